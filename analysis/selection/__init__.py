"""Selection of samples.

What a certificate covers uses integers and SHA-256 only, so that anyone can redo it.
"""
