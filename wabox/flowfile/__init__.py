"""A bot's folder, read, checked and ready to run: :func:`wabox.flowfile.bot.load_bot`."""
