"""The names that an option gives to members."""

_MOST = 100
_MOST_CHARACTERS = 128


def names_of(option: str, said: str) -> tuple[str, ...]:
    """`a, b` → its names.

    Raises:
        ValueError: there is none, one is there twice, or is no name for Elasticsearch.
    """
    names = tuple(name.strip() for name in said.split(","))
    if not said.strip():
        raise ValueError(f"{option} is missing: name the members, separated by commas")
    if len(names) > _MOST:
        raise ValueError(f"{option} has {len(names)} names: {_MOST} are allowed")
    for number, name in enumerate(names, 1):
        if not all(part.strip() for part in name.split(".")) or not name.isprintable():
            raise ValueError(f"{option}: name {number} is no name: use letters, digits, _ and -")
        if len(name) > _MOST_CHARACTERS:
            raise ValueError(f"{option} has a name of {len(name)} characters: {_MOST_CHARACTERS} are allowed")
        if names.count(name) > 1:
            raise ValueError(f"{option}: name {number} is there twice")
    return names
