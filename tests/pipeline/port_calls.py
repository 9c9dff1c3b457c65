"""Calls at ports, and what was reported of them: a feed that nobody publishes, for tests.

Language: English. Licence: CC BY 4.0.
"""

from kg.feed import Feed, MapRow, Row, Scribe, Table

CALLS = Table(
    id="calls",
    form="csv",
    columns=("id", "day", "ship", "flag", "port", "latitude", "longitude", "containers", "told_by"),
    key=("id",),
    header="either",
    ignored={},
)
REPORTS = Table(
    id="reports",
    form="tsv",
    columns=("call", "address", "confidence"),
    key=("call", "address"),
    header="never",
    again="number",
    needs=("calls", ("call",)),
)
SOURCE = Feed(
    id="port_calls",
    title="Calls at ports",
    publisher="Harbour office of Bostmark",
    url="https://harbour.example/calls",
    languages=("en",),
    licence="https://creativecommons.org/licenses/by/4.0/",
    redistribution="open",
    citation="Harbour office of Bostmark: Calls at ports, 2024",
    retrieved="2024-03-12",
    method="Clerks write down each call.",
    machine=False,
    tables=(CALLS, REPORTS),
    quarantine="0.2",
)


def mapper(table: str, out: Scribe) -> MapRow:
    """Return what maps a row of a table."""
    if table == "reports":

        def report(row: Row) -> None:
            call, address, confidence = row
            voice = out.voice([address], address.partition("://")[2].partition("/")[0], url=address)
            out.claim(
                voice,
                out.elsewhere(out.event_name(call)),
                basis="machine-coded",
                confidence=confidence,
                locator=["a sentence"],
                n=out.n,
            )

        return report

    def call(row: Row) -> None:
        name, day, ship, flag, port, latitude, longitude, containers, told_by = row
        state = out.state("iso3", flag, day)
        vessel = out.thing([ship], ship, kind="Vehicle")
        place = out.place([port], port, latitude=latitude, longitude=longitude, country=state)
        number = out.amount("containers", best=containers, column="containers")
        event = out.event(
            name,
            f"Call of {ship} at {port}",
            "arrival",
            time=out.time(day, column="day"),
            quantity=number,
            actor=vessel,
            place=place,
        )
        voice = out.record(name, f"Call {name}")
        if told_by:
            who = out.agent([name, told_by], told_by, kind="Organization", acts_for=state)
            out.claim(voice, event, by=who, locator=[f"row {name}"])
        else:
            out.claim(voice, event, locator=[f"row {name}"])

    return call
