"""The HTTP door: Litestar in one process. Handlers check, call one service, answer."""
