"""Gives a folder a short name: eSpeak NG cannot open its data behind a long one."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

LONGEST = 140
"""Bytes of a path that eSpeak NG copies into a fixed place of 160, its file names included."""


def shortened(folder: Path, *, temporary: Path | None = None) -> Path:
    """Return the folder itself, or a lasting link to it where its path is too long.

    The link lies in the temporary folder, always under the same name, and is only used when this
    user made it. Raises OSError when it cannot be made.
    """
    target = os.fsencode(folder)
    if len(target) <= LONGEST:
        return folder
    parent = temporary or Path(tempfile.gettempdir())
    digest = hashlib.sha256(target).hexdigest()[:12]
    link = parent / f"lares-{os.getuid()}-{digest}"
    try:
        link.symlink_to(folder)
    except FileExistsError:
        if link.lstat().st_uid != os.getuid() or not link.is_symlink() or link.readlink() != folder:
            raise
    return link
