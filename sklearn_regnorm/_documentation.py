"""Docstrings of several estimators, of which shared parts are written once."""


def documenting(shared):
    """Return a class decorator that replaces each ``{name}`` in a docstring by ``shared[name]``."""

    def document(cls):
        for name, text in shared.items() if cls.__doc__ else ():  # python -OO strips docstrings
            cls.__doc__ = cls.__doc__.replace("{" + name + "}", text)
        return cls

    return document
