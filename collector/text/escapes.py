"""Text from containers → text that is safe on a terminal: control characters become visible escapes.

Standard library only: the light commands use it.
"""

# what a terminal obeys, or what reorders a line: C0, DEL, C1, the bidirectional controls, other line ends
_HARMFUL = [*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_VISIBLE = {
    code: _NAMED.get(chr(code)) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}") for code in _HARMFUL
}


def visible(text: str) -> str:
    """Write control characters as escapes, so that a log line can neither move the cursor nor hide anything."""
    return text.translate(_VISIBLE)
