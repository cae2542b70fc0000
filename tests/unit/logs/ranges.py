"""Parts of a file, as every log source of a cloud reads them."""

WHOLE = b"0123456789"
PARTS = [
    (0, None, WHOLE),
    (3, None, b"3456789"),
    (0, 4, b"0123"),
    (8, 100, b"89"),
    (9, 1, b"9"),
    (10, None, b""),
    (10, 5, b""),
    (99, 1, b""),
    (2, 0, b""),
]
"""First byte, length (None: all that follows), and what is read of WHOLE."""
