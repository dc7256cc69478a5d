"""Expands a configuration once with the parser of Avocado-VT and prints what it took, as one line of JSON.

The reference's side of `cargo xtask bench cartesian`; `host/cartesian/examples/measure.rs` is the other and takes the
same arguments: MODE LIMIT DEFAULTS FILE [LINE ...]. There is no mode `names`: the parser builds all keys anyhow.
"""

import hashlib
import importlib.metadata
import json
import platform
import sys
import time

from virttest import cartesian_config

# What vthost's engine does not count among the keys.
RESERVED = ("name", "shortname", "dep", "_name_map_file", "_short_name_map_file")


def visit(variant):
    """How many keys the variant has, and the length of all keys and values together."""
    length = 0
    for key, value in variant.items():
        length += len(key) + len(value)
    keys = len(variant)
    for key in RESERVED:
        if key in variant:
            keys -= 1
            length -= len(key) + len(variant[key])
    return keys, length


def digest(variant):
    """How many keys the variant has, and the first 8 bytes of the SHA-256 of its canonical JSON."""
    text = json.dumps(variant, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return len(variant) - sum(key in variant for key in RESERVED), number


def main():
    mode, limit, defaults, file, *lines = sys.argv[1:]
    look = {"visit": visit, "digest": digest}[mode]
    begin = time.perf_counter()
    parser = cartesian_config.Parser(defaults=defaults == "1")
    parser.parse_file(file)
    for line in lines:
        parser.parse_string(line)
    parsed = time.perf_counter()
    variants = keys = total = 0
    for variant in parser.get_dicts():
        count, number = look(variant)
        variants, keys, total = variants + 1, keys + count, total + number
        if variants == int(limit):
            break
    done = time.perf_counter()
    print(json.dumps({
        "parse": parsed - begin,
        "expand": done - parsed,
        "variants": variants,
        "keys": keys,
        "sum": total % 2**64,
        "python": platform.python_version(),
        "avocado_vt": importlib.metadata.version("avocado-framework-plugin-vt"),
    }))


if __name__ == "__main__":
    main()
