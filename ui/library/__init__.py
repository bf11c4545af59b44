"""The Library tab: browse, choose, the map, and adding papers."""
