"""Who may come in where the page is served to other machines: accounts, and signing in."""
