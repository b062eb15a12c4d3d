"""Malformed and odd input, one integer seed each, for everything public that takes arrays.

``python -m gate --cases 1000`` (from this folder's parent) judges many in processes that may die.
"""
