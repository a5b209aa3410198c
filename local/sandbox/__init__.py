"""Sandbox platforms: WhatsApp and Telegram as the wire knows them, on loopback, with a log that is the truth.

`python -m local.sandbox --port P --webhooks http://127.0.0.1:8000 --log FILE --clock-file FILE`
"""
