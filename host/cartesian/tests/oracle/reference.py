"""Answers what the reference parser makes of configurations: one JSON request a line in, one JSON answer a line out.

A request: {"files": {path: text}, "lines": [text], "defaults": bool, "expand": [name], "limit": n, "seconds": s}.
The main file is `in.cfg`; `lines` are parsed after it, as the reference's own command line does.
An answer: {"variants": [...]}, {"error": text}, or {"unbounded": what} if there are more than `limit` variants or it
takes more than `seconds`.
"""

import json
import os
import signal
import sys
import tempfile

from virttest import cartesian_config


class TooLong(BaseException):
    """No `Exception`, so that nothing on the way takes it for a mistake in the configuration."""


def too_long(_signal, _frame):
    raise TooLong


def answer(request):
    with tempfile.TemporaryDirectory() as directory:
        for path, text in request["files"].items():
            path = os.path.join(directory, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        try:
            parser = cartesian_config.Parser(
                defaults=request["defaults"], expand_defaults=request["expand"]
            )
            parser.parse_file(os.path.join(directory, "in.cfg"))
            for line in request["lines"]:
                parser.parse_string(line)
            variants = []
            for variant in parser.get_dicts():
                variants.append(variant)
                if len(variants) > request["limit"]:
                    return {"unbounded": "variants"}
            return {"variants": variants}
        except TooLong:
            return {"unbounded": "time"}
        except Exception as error:
            text = str(error).replace(directory + os.sep, "")
            return {"error": "%s: %s" % (type(error).__name__, text)}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    signal.signal(signal.SIGALRM, too_long)
    # Whatever the reference prints must not come between the answers.
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        json.dump(answer(json.loads(line)), out)
        out.write("\n")
        out.flush()


if __name__ == "__main__":
    main()
