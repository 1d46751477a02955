"""What happens by itself when a day begins: points become available, members are noticed, points lapse."""
