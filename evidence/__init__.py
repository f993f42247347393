"""Read, check, count, tabulate and draw the study dataset.

    import evidence as ev
    data = ev.load()
    data.findings            # one row a claim
    ev.wilson(78, 103)       # proportion with its interval

Every public name is listed here, by the module it lives in; the modules are named after one idea each.
"""

from importlib import import_module

_PUBLIC = {
    "data": ["Dataset", "load"],
    "datapackage": ["changed", "schema"],
    "stats": ["Proportion", "Test", "agreement", "chi_squared", "difference", "percent", "spread", "wilson"],
    "robustness": ["balance", "concentration", "leave_one_out", "shared", "stance"],
    "network": ["authors", "shuffles", "together"],
    "tables": ["Myst", "Table", "cite", "escape", "firmness", "mark", "sources"],
    "charts": ["COLOURS", "order", "small", "titled"],
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    """Import a name when it is first used: `make check` needs neither pandas nor charts, and takes half the time."""
    if name in _HOME:
        found = globals()[name] = getattr(import_module(f"evidence.{_HOME[name]}"), name)
        return found
    if name in _PUBLIC:
        return import_module(f"evidence.{name}")
    raise AttributeError(f"module 'evidence' has no attribute {name!r}")
