"""What every process pays before it does anything: a fresh interpreter that loads the definitions, beside `import dagster`.

Whatever is heavy and not always needed (ccxt, pandas, pandera, alembic) is imported where it is used.
"""

import subprocess
import sys

from benchmarks.sidebyside import compare


def loading(statement: str) -> None:
    subprocess.run([sys.executable, "-c", statement], check=True)


def main() -> None:
    met = compare(
        "load the definitions beside import dagster",
        lambda: loading("import hedge_pipeline.definitions"),
        lambda: loading("import dagster"),
        goal=1.15,
    )
    if not met:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
