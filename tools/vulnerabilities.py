"""Scan the locked packages for published vulnerabilities.

A vulnerability fails. A source of advisories that cannot be asked is no verdict: it is said, and the check goes on.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCES = ("pypi", "osv")
COMMAND = [
    str(Path(sys.executable).parent / "pip-audit"),
    *("--requirement", "requirements.lock", "--require-hashes", "--disable-pip"),
    *("--format", "json", "--progress-spinner", "off", "--timeout", "10"),
]
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ServiceError")


def main() -> int:
    for source in SOURCES:
        audit = subprocess.run(
            [*COMMAND, "--vulnerability-service", source], capture_output=True, text=True, check=False
        )
        if audit.stdout.strip():
            code = verdict(source, json.loads(audit.stdout)["dependencies"])
            if code is not None:
                return code
        elif not any(sign in audit.stderr for sign in UNREACHABLE):
            print(audit.stderr, file=sys.stderr)
            return audit.returncode or 1
    print(
        f"NOT SCANNED: no source of advisories answered ({', '.join(SOURCES)}); scan where one can be reached"
    )
    return 0


def verdict(source: str, packages: list[dict[str, Any]]) -> int | None:
    """Report what the source knows of the packages, as an exit code; None if it knows none of them."""
    scanned = [package for package in packages if "vulns" in package]
    if not scanned:
        return None
    unknown = [package["name"] for package in packages if "vulns" not in package]
    vulnerable = [package for package in scanned if package["vulns"]]
    print(
        f"{source}: {len(scanned)} packages scanned, {len(vulnerable)} vulnerable, {len(unknown)} not known"
    )
    if unknown:
        print(f"NOT SCANNED: {', '.join(unknown)}")
    for package in vulnerable:
        for found in package["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {found['id']}, mended in {mended}")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
