"""The laptop: embedded AWS, server, sandbox platforms, judge, sample programme, demo."""
