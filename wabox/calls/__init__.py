"""Makes the calls that flows ask for: HTTP to the web, and tasks of the bot's ``actions.py``."""
