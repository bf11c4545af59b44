"""The formats of bibliographic files: recognised by what a file holds, and read record by record."""
