"""A process that appends to a store until it is done or killed, and says what it knows to be kept.

python -m hedge_pipeline_tests.adapters.state_store.appender URL NAME COUNT
"""

import sys

from hedge_pipeline.adapters.state_store import open_state_store
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import ConcurrentAppend
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline_tests.adapters.state_store.examples import income, plain


def main(url: str, name: str, count: int) -> None:
    store = open_state_store(url, create=True)
    for number in range(1, count + 1):
        while True:
            last = store.latest(PeakState, "main")
            ordinal = last.ordinal + 1 if last else 1
            peak = plain(PeakState, account="main", ordinal=ordinal, origin=name)
            try:
                store.append(peak, plain(Command, account="main", actor=name, reason=str(number)))
            except ConcurrentAppend:
                continue
            break
        store.append_new_income([income(number)])
        sys.stdout.write(f"{ordinal} {store.store_id}\n")
        sys.stdout.flush()
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
