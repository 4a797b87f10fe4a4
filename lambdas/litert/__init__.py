"""Our own networks inside the function itself: the released versions' LiteRT files, with no endpoint behind them."""
