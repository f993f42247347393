"""Read, check, count, tabulate and draw the study dataset.

    import evidence as ev
    data = ev.load()
    data.findings            # one row a claim
    ev.wilson(78, 103)       # proportion with its interval

Every public name is listed here; the modules are named after one idea each.
"""

from evidence.charts import COLOURS, order, titled
from evidence.data import Dataset, load, schema
from evidence.stats import Proportion, Test, agreement, chi_squared, difference, percent, spread, wilson
from evidence.tables import Myst, Table, cite, mark, names

__all__ = [
    "COLOURS", "Dataset", "Myst", "Proportion", "Table", "Test", "agreement", "chi_squared", "cite", "difference", "load",
    "mark", "names", "order", "percent", "schema", "spread", "titled", "wilson",
]
