"""A server that speaks the part of Tencent's HTTP that Minyi uses, for development and the demo.

It is a program of its own (`python -m survey.wechat.sandbox`): production code never imports it and
differs only in the base address. What it does is listed, fact by fact with its certainty, in
docs/wechat-sandbox.md. Its own few pages are in Chinese only: they play a Chinese phone.
"""
