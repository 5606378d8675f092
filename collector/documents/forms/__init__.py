"""The forms that a destination may get documents in: a module each, found by its name, with a `FORM`."""

from importlib import import_module
from pkgutil import iter_modules

from collector.documents.form import Form
from collector.text.bounds import shown

KEPT = "pilotfish"
"""The form in which documents are kept."""

FORMS = tuple(sorted(module.name for module in iter_modules(__path__)))


def form_of(name: str) -> Form:
    """The form of this name.

    Raises:
        ValueError: there is none.
    """
    if name not in FORMS:
        raise ValueError(f"there is no form {shown(ascii(name))}; the forms are {', '.join(FORMS)}")
    found: Form = import_module(f"{__name__}.{name}").FORM
    return found
