"""Articles that were read by hand or by machine: the facts files of `facts/`.

Source: facts files (docs/reference/facts.md), one per document, and the registry.
Language: any. Licence: CC BY 4.0, the facts; no text of an article is in them.

One document gives one named graph, the entities go to the graph `registry`, links between events
to `event-links`. What is written for each kind of record is in docs/model.md.
"""

from kg.facts import (
    VOICES,
    Agent,
    Claim,
    ClaimSet,
    Correction,
    Document,
    Event,
    Evidence,
    FactFile,
    FactSet,
    Link,
    Mention,
    Place,
    Position,
    Quantity,
    Reading,
    Record,
    Relation,
    Run,
    Thing,
    Time,
    Withdrawal,
    date_bounds,
    kind_of,
    offsets,
)
from kg.mapping import Quads, Source, for_each_record, reading
from kg.vocab import (
    DCTERMS,
    EDTF,
    OWL,
    PROV,
    RDF,
    RDFS,
    SKOS,
    Kind,
    boolean,
    claim_key,
    date,
    decimal,
    digest_key,
    integer,
    literal,
    perhaps_the_same,
    term,
)

SOURCE = Source(
    id="articles",
    title="Facts extracted from articles",
    publisher="Chancery",
    languages=("bn", "hi", "en"),
    licence="https://creativecommons.org/licenses/by/4.0/",
    redistribution="open",
    retrieved="2026-11-21",
    on_error="stop",
    expected=(1, 1_000_000),
    ignored={
        "document.redistribution": "binds the release, not the graph: kg.build reads it",
        "document.sentences.fragment": "said by the text-quality readings of the facts",
        "*.wikidata": "held against the authority of links by kg.link; the links come from there",
        "document.id": "it is the document's address",
        "claim.n": "part of the claim's address",
        "*.note": "working notes of the readers; they are not part of the graph",
        "event.participants.note": "working notes of the readers",
        **{
            f"{kind}.{field}": "what an editor did is not extracted"
            for kind in ("correction", "withdrawal")
            for field in ("extracted", "reviewed", "review")
        },
    },
)

_A = f"<{RDF}type>"
_LABEL = f"<{RDFS}label>"
_ALT = f"<{SKOS}altLabel>"
_DESCRIPTION = f"<{DCTERMS}description>"
_IDENTIFIER = f"<{DCTERMS}identifier>"

_STANCE_WORDS = {
    "affirms": "affirmed",
    "denies": "denied",
    "disputes-evidence": "disputed the evidence for",
    "questions": "questioned",
    "does-not-confirm": "did not confirm",
    "cannot-verify": "could not verify",
}
"""In the past tense, which is the same for one speaker and for several."""

_PLAIN = ("actual", "certain", "unstated")
"""Modalities and certainties that a label leaves out."""


def map_records(facts: FactSet, out: Quads) -> None:
    """Write the quads of every record.

    Raises:
        KgErrors: the records that cannot be mapped, all of them.
    """
    Articles(facts, out).map()


def script_tag(text: str, language: str) -> str:
    """Return the language tag of a name: `bn-Latn` for TASS in a Bengali text, else `bn`.

    Only languages that are not written in Latin letters are told apart so.
    Spec: BCP 47, script subtags.
    """
    latin = text.isascii() and any(c.isalpha() for c in text)
    return f"{language}-Latn" if latin and language in _OTHER_SCRIPTS else language


_OTHER_SCRIPTS = ("ar", "bn", "fa", "hi", "ja", "ko", "ru", "uk", "ur", "zh")


class Articles:
    """The mapping of one set of facts; holds what the functions share."""

    def __init__(self, facts: FactSet, out: Quads) -> None:
        self.facts = facts
        self.out = out
        self.registry = out.graph("registry")

    def map(self) -> None:
        """Write everything; see `map_records`."""
        for_each_record(
            self.facts,
            self.out,
            {
                Document: self.document,
                Run: self.run,
                Agent: self.agent,
                Place: self.place,
                Thing: self.thing,
                Position: self.position,
                Event: self.event,
                Relation: self.relation,
                Claim: self.claim,
                ClaimSet: self.claimset,
                Mention: self.mention,
                Link: self.link,
                Correction: self.correction,
                Withdrawal: self.withdrawal,
            },
        )

    # --- names -------------------------------------------------------------------------------

    def key(self, ref: str) -> str:
        """Return kind and key of what an id refers to, e.g. `event/arrival`."""
        record = self.facts.by_id[ref]
        if isinstance(record, Relation):
            return f"relation/{self.relation_key(record)}"
        if isinstance(record, Claim):
            return f"claim/{self.claim_key(record)}"
        return f"{kind_of(record)}/{record.id}"

    def ref(self, ref: str) -> str:
        """Return the N-Quads form of what an id refers to."""
        return f"<{self.out.base}id/{self.key(ref)}>"

    def relation_key(self, r: Relation) -> str:
        """Return the key of a relation: subject, type, object or value, validity."""
        return digest_key(
            "relation",
            self.key(r.subject),
            r.type,
            self.key(r.object) if r.object else None,
            r.value,
            self.time_key(r.time) if r.time else None,
        )

    def claim_key(self, c: Claim) -> str:
        """Return the key of a claim; relay chains have no cycle (kg.facts.rule_breaks)."""
        document = self.facts.by_id.file_of(c.id).document
        assert document is not None
        target = self.key(c.about or c.relays or "")
        return claim_key(document.id, [self.voice(b, document.id) for b in c.by], target, c.n)

    @staticmethod
    def voice(by: str, document: str) -> str:
        """Return the key of a claimant: an agent, or the document's own voice."""
        return f"{by}-{document}" if by in VOICES else by

    @staticmethod
    def time_key(t: Time) -> str:
        """Return the key of a time: its literal fields."""
        return digest_key(
            "time",
            t.edtf,
            t.rule,
            t.reference,
            t.reference_basis,
            t.part,
            t.certainty,
            t.wording,
        )

    def label(self, ref: str) -> str:
        """Return the English label of what an id refers to, or the first label it has."""
        record = self.facts.by_id[ref]
        if isinstance(record, Relation):
            return self.relation_label(record)
        for name in ("labels", "label", "title"):
            labels = getattr(record, name, None)
            if labels:
                return str(labels.get("en") or next(iter(labels.values())))
        return ref

    def relation_label(self, r: Relation) -> str:
        """Return "subject — type — object", the label of a relation."""
        kind = self.out.vocabulary.schemes["relation-type"][r.type].label
        return f"{self.end(r.subject)} — {kind} — {self.end(r.object) if r.object else r.value}"

    def end(self, ref: str) -> str:
        """Return the label of one end of a relation, in brackets if it is a relation itself."""
        label = self.label(ref)
        return f"[{label}]" if isinstance(self.facts.by_id[ref], Relation) else label

    def speakers(self, c: Claim) -> str:
        """Return the labels of the claimants."""
        document = self.facts.by_id.file_of(c.id).document
        title = self.label(document.id) if document else ""
        words = {"narrator": f"{title} (own voice)", "unattributed": f"Unattributed in {title}"}
        return ", ".join(words.get(by) or self.label(by) for by in c.by)

    def claim_label(self, c: Claim, depth: int = 0) -> str:
        """Return "speaker affirmed (expected, possible): target", the label of a claim.

        It always names the speaker, and how far the speaker goes.
        """
        if c.relays:
            inner = self.facts.by_id[c.relays]
            assert isinstance(inner, Claim)
            said = self.claim_label(inner, depth + 1) if depth < 3 else "another claim"
            verb = "relayed" if c.stance == "affirms" else _STANCE_WORDS[c.stance]
            return f"{self.speakers(c)} {verb}: {said}"
        hedges = ", ".join(word for word in (c.modality, c.certainty) if word not in _PLAIN)
        verb = _STANCE_WORDS[c.stance] + (f" ({hedges})" if hedges else "")
        return f"{self.speakers(c)} {verb}: {self.label(c.about or '')}"

    # --- shared parts ------------------------------------------------------------------------

    def texts(self, graph: str, node: str, predicate: str, labels: dict[str, str]) -> None:
        """Write one literal per language."""
        for lang, text in labels.items():
            self.out.add(graph, node, predicate, literal(text, lang=lang))

    def types(self, graph: str, node: str, *classes: str) -> None:
        """Write the classes of a node."""
        for name in classes:
            self.out.add(graph, node, _A, term(name))

    def record(
        self, graph: str, node: str, r: Record, file: FactFile, name: str | None = None
    ) -> None:
        """Write what every record says of itself: its name, its runs and its review state."""
        out = self.out
        out.add(graph, node, _IDENTIFIER, literal(name or r.id))
        default: Record | None = file.document
        made = r.extracted or (default.extracted if default else None)
        read = r.reviewed or (default.reviewed if default else None)
        state = r.review or (default.review if default else None) or "drafted"
        if read == made and not r.reviewed:  # the second reader added it: nobody re-read it
            read, state = None, r.review or "drafted"
        if made:
            out.add(graph, node, f"<{PROV}wasGeneratedBy>", self.ref(made))
        if read:
            out.add(graph, node, term("reviewedIn"), self.ref(read))
        out.add(graph, node, term("reviewState"), out.concept("review-state", state))

    def time(self, graph: str, t: Time, origin: str) -> str:
        """Write a time and return it."""
        out = self.out
        node = out.mint("time", self.time_key(t), self.time_key(t), origin)
        self.types(graph, node, "TimeExtent")
        first, last = date_bounds(t.edtf)
        words = t.edtf + (f", {t.part}" if t.part else "")
        out.add(graph, node, _LABEL, literal(words, lang="en"))
        out.add(graph, node, term("edtf"), literal(t.edtf, datatype=EDTF))
        if first:
            out.add(graph, node, term("earliest"), date(first))
        if last:
            out.add(graph, node, term("latest"), date(last))
        out.add(graph, node, term("timeRule"), out.concept("time-rule", t.rule))
        out.add(graph, node, term("certainty"), out.concept("certainty", t.certainty))
        if t.reference:
            out.add(graph, node, term("referenceDate"), date(t.reference))
        if t.reference_basis:
            basis = out.concept("reference-basis", t.reference_basis)
            out.add(graph, node, term("referenceBasis"), basis)
        if t.part:
            out.add(graph, node, term("partOfDay"), out.concept("part-of-day", t.part))
        if t.wording:
            out.add(graph, node, term("wording"), literal(t.wording, lang="en"))
        return node

    def quantity(self, graph: str, q: Quantity, origin: str) -> str:
        """Write a quantity and return it."""
        out = self.out
        fields = (q.low, q.best, q.high, q.precision, q.unit, q.wording)
        node = out.mint("quantity", digest_key("quantity", *fields), fields, origin)
        self.types(graph, node, "Quantity")
        number = q.best or (f"at least {q.low}" if q.low else f"at most {q.high}" if q.high else "")
        words = f"{q.unit}: {number or q.precision}"
        out.add(graph, node, _LABEL, literal(words, lang="en"))
        for name, value in (("low", q.low), ("best", q.best), ("high", q.high)):
            if value is not None:
                out.add(graph, node, term(name), decimal(value))
        out.add(graph, node, term("precision"), out.concept("precision", q.precision))
        out.add(graph, node, term("unit"), literal(q.unit, lang="en"))
        if q.wording:
            out.add(graph, node, term("wording"), literal(q.wording, lang="en"))
        return node

    def readings(self, graph: str, node: str, r: Reading | None) -> None:
        """Write what is wrong with the text that a record comes from."""
        if r is None:
            return
        out = self.out
        out.add(graph, node, term("textQuality"), out.concept("text-quality", r.quality))
        out.add(graph, node, term("literalReading"), literal(r.literal, lang="en"))
        out.add(graph, node, term("chosenReading"), literal(r.chosen, lang="en"))
        out.add(graph, node, term("readingReason"), literal(r.reason, lang="en"))

    def span(self, graph: str, document: Document, at: str, sha: str | None, origin: str) -> str:
        """Write a span of a document and return it."""
        out = self.out
        start, end = offsets(at)
        key = digest_key("span", document.id, start, end)
        node = out.mint("span", key, (document.id, start, end), origin)
        self.types(graph, node, "Span")
        words = f"{self.label(document.id)}, characters {start}–{end}"
        for n, sentence in enumerate(document.sentences):
            first, last = offsets(sentence.at)
            if first <= start < last:
                out.add(graph, node, term("sentence"), integer(n))
                words = f"{self.label(document.id)}, sentence {n}, characters {start}–{end}"
                break
        out.add(graph, node, _LABEL, literal(words, lang="en"))
        out.add(graph, node, term("inDocument"), self.ref(document.id))
        out.add(graph, node, term("start"), integer(start))
        out.add(graph, node, term("end"), integer(end))
        if sha:
            out.add(graph, node, term("sha256"), literal(sha))
        return node

    def evidence(
        self, graph: str, node: str, items: list[Evidence], file: FactFile, origin: str
    ) -> list[str]:
        """Write the spans on which a record rests and return them."""
        nodes = []
        for item in items:
            document = file.document
            if item.document:
                other = self.facts.by_id[item.document]
                document = other if isinstance(other, Document) else None
            assert document is not None
            at, sha = item.at, item.sha256
            if item.sentence is not None:
                sentence = document.sentences[item.sentence]
                at, sha = sentence.at, sentence.sha256
            span = self.span(graph, document, at or "", sha, origin)
            self.out.add(graph, node, term("evidence"), span)
            nodes.append(span)
        return nodes

    # --- records -----------------------------------------------------------------------------

    def document(self, record: Document, origin: str, file: FactFile) -> None:
        """Write a document, its narrator and its Unattributed claimant."""
        out = self.out
        graph = out.graph(record.id)
        node = out.mint("document", record.id, record.id, origin)
        with reading(record, SOURCE, origin) as d:
            self.types(graph, node, "Document", "Source")
            self.record(graph, node, d, file, d.identifier)
            self.texts(graph, node, _LABEL, d.title)
            out.add(graph, node, f"<{DCTERMS}language>", literal(d.language))
            out.add(graph, node, term("sha256"), literal(d.sha256))
            out.add(graph, node, term("characters"), integer(d.characters))
            out.add(graph, node, term("sentences"), integer(len(d.sentences)))
            for sentence in d.sentences:
                self.span(graph, record, sentence.at, sentence.sha256, origin)
            out.add(graph, node, term("referenceDate"), date(d.reference_date))
            basis = out.concept("reference-basis", d.reference_basis)
            out.add(graph, node, term("referenceBasis"), basis)
            if d.dateline_place:
                out.add(graph, node, term("datelinePlace"), self.ref(d.dateline_place))
            if d.published:
                out.add(graph, node, f"<{DCTERMS}issued>", literal(d.published))
            if d.publisher:
                out.add(graph, node, f"<{DCTERMS}publisher>", self.ref(d.publisher))
            if d.publisher_unstated:
                words = literal(d.publisher_unstated, lang="en")
                out.add(graph, node, term("publisherUnstated"), words)
            c = d.custody
            if c.url:
                out.add(graph, node, f"<{DCTERMS}source>", literal(c.url))
            if c.archive_url:
                out.add(graph, node, term("archivedAt"), literal(c.archive_url))
            if c.captured:
                out.add(graph, node, term("capturedOn"), date(c.captured))
            if c.tool:
                out.add(graph, node, term("captureTool"), literal(c.tool, lang="en"))
            if c.reason:
                out.add(graph, node, term("custody"), literal(c.reason, lang="en"))
        title = self.label(record.id)
        for voice, klass, words in (
            ("narrator", "Narrator", f"{title} (own voice)"),
            ("unattributed", "Unattributed", f"Unattributed in {title}"),
        ):
            key = self.voice(voice, record.id)
            agent = out.mint("agent", key, (voice, record.id), origin)
            self.types(graph, agent, klass, "Agent")
            out.add(graph, agent, _LABEL, literal(words, lang="en"))
            out.add(graph, agent, term("voiceOf"), node)

    def run(self, record: Run, origin: str, file: FactFile) -> None:
        """Write a reading of a document: who or what read it, when and how."""
        out = self.out
        graph = out.graph(file.document.id) if file.document else self.registry
        node = out.mint("run", record.id, record.id, origin)
        with reading(record, SOURCE, origin) as r:
            self.types(graph, node, "ExtractionRun")
            out.add(graph, node, _A, f"<{PROV}Activity>")
            out.add(graph, node, _IDENTIFIER, literal(r.id))
            self.texts(graph, node, _LABEL, r.label)
            out.add(graph, node, term("runType"), out.concept("run-type", r.type))
            out.add(graph, node, f"<{PROV}wasAssociatedWith>", self.ref(r.agent))
            out.add(graph, node, f"<{DCTERMS}date>", date(r.date))
            out.add(graph, node, term("method"), literal(r.method, lang="en"))

    def entity(self, kind: Kind, record: Agent | Place | Thing | Position, origin: str) -> str:
        """Mint an entity of the registry and return it."""
        return self.out.mint(kind, record.id, record.id, origin)

    def described(
        self, node: str, e: Agent | Place | Thing | Position, file: FactFile, *classes: str
    ) -> None:
        """Write what every entity of the registry has."""
        out, graph = self.out, self.registry
        self.types(graph, node, *classes)
        self.record(graph, node, e, file)
        self.texts(graph, node, _LABEL, e.labels)
        for lang, variants in e.variants.items():
            for text in variants:
                out.add(graph, node, _ALT, literal(text, lang=lang))
        self.texts(graph, node, _DESCRIPTION, e.description)
        out.add(graph, node, term("registryBasis"), literal(e.basis, lang="en"))
        out.add(graph, node, term("asOf"), date(e.as_of))
        for other in e.distinct_from:
            out.add(graph, node, f"<{OWL}differentFrom>", self.ref(other))
            out.add(graph, self.ref(other), f"<{OWL}differentFrom>", node)

    def agent(self, record: Agent, origin: str, file: FactFile) -> None:
        """Write an agent."""
        out, graph = self.out, self.registry
        node = self.entity("agent", record, origin)
        with reading(record, SOURCE, origin) as a:
            supers = _AGENT_CLASSES.get(a.type, (a.type,))
            self.described(node, a, file, *supers, "Agent")
            if a.acts_for:
                out.add(graph, node, term("actsFor"), self.ref(a.acts_for))
            if a.quantity:
                out.add(graph, node, term("quantity"), self.quantity(graph, a.quantity, origin))
            if a.located_in:
                out.add(graph, node, term("locatedIn"), self.ref(a.located_in))

    def place(self, record: Place, origin: str, file: FactFile) -> None:
        """Write a place."""
        out, graph = self.out, self.registry
        node = self.entity("place", record, origin)
        with reading(record, SOURCE, origin) as p:
            self.described(node, p, file, *{p.type, "Place"})
            if p.located_in:
                out.add(graph, node, term("locatedIn"), self.ref(p.located_in))
            if p.latitude and p.longitude:
                out.add(graph, node, term("latitude"), decimal(p.latitude))
                out.add(graph, node, term("longitude"), decimal(p.longitude))

    def thing(self, record: Thing, origin: str, file: FactFile) -> None:
        """Write a thing."""
        node = self.entity("thing", record, origin)
        with reading(record, SOURCE, origin) as t:
            self.described(node, t, file, t.type, "Thing")
            if t.quantity:
                quantity = self.quantity(self.registry, t.quantity, origin)
                self.out.add(self.registry, node, term("quantity"), quantity)

    def position(self, record: Position, origin: str, file: FactFile) -> None:
        """Write an office."""
        out, graph = self.out, self.registry
        node = self.entity("position", record, origin)
        with reading(record, SOURCE, origin) as p:
            self.described(node, p, file, "Position")
            for name, ref in (
                ("positionIn", p.position_in),
                ("positionFor", p.position_for),
                ("positionToward", p.position_toward),
            ):
                if ref:
                    out.add(graph, node, term(name), self.ref(ref))

    def event(self, record: Event, origin: str, file: FactFile) -> None:
        """Write an event: a description; nothing here says that it happened."""
        out = self.out
        graph = self.graph_of(file)
        node = out.mint("event", record.id, record.id, origin)
        with reading(record, SOURCE, origin) as e:
            self.types(graph, node, "Event", "Proposition")
            self.record(graph, node, e, file)
            self.texts(graph, node, _LABEL, e.label)
            self.texts(graph, node, _DESCRIPTION, e.description)
            out.add(graph, node, term("eventType"), out.concept("event-type", e.type))
            category = self.category(e.type)
            if category:
                out.add(graph, node, term("category"), category)
            for p in e.participants:
                who = self.ref(p.who)
                role = out.vocabulary.schemes["role"][p.role]
                fields = (record.id, p.role, self.key(p.who))
                full = (*fields, p.named_as, p.quantity and str(p.quantity))
                part = out.mint("participation", digest_key("participation", *fields), full, origin)
                self.types(graph, part, "Participation")
                words = f"{self.label(p.who)} as {role.label}"
                out.add(graph, part, _LABEL, literal(words, lang="en"))
                out.add(graph, node, term("hasParticipation"), part)
                out.add(graph, part, term("participant"), who)
                out.add(graph, part, term("role"), term(role.local))
                if role.shortcut:
                    out.add(graph, node, term(role.shortcut), who)
                if p.named_as:
                    out.add(graph, part, term("mentionedAs"), self.ref(p.named_as))
                if p.quantity:
                    quantity = self.quantity(graph, p.quantity, origin)
                    out.add(graph, part, term("quantity"), quantity)
            for role_key in e.unstated:
                out.add(graph, node, term("leavesUnstated"), out.concept("role", role_key))
            if e.time:
                out.add(graph, node, term("time"), self.time(graph, e.time, origin))
            out.add(graph, node, term("aspect"), out.concept("aspect", e.aspect))
            if e.quantity:
                out.add(graph, node, term("quantity"), self.quantity(graph, e.quantity, origin))
            self.readings(graph, node, e.reading)

    def category(self, event_type: str) -> str | None:
        """Return the PLOVER category of an event type, or None where it has none."""
        concepts = {c.local: c for c in self.out.vocabulary.schemes["event-type"].values()}
        concept = self.out.vocabulary.schemes["event-type"][event_type]
        for _ in range(len(concepts)):
            if concept.local.startswith("plover-"):
                return term(concept.local)
            if not concept.broader:
                return None
            concept = concepts[concept.broader[0]]
        return None

    def relation(self, record: Relation, origin: str, file: FactFile) -> None:
        """Write a relation; other documents that speak of it write the same node."""
        out = self.out
        graph = self.graph_of(file)
        key = self.relation_key(record)
        node = out.mint("relation", key, (key, str(record.quantity)), origin)
        with reading(record, SOURCE, origin) as r:
            self.types(graph, node, "Relation", "Proposition")
            self.record(graph, node, r, file)
            out.add(graph, node, _LABEL, literal(self.relation_label(record), lang="en"))
            out.add(graph, node, term("relationType"), out.concept("relation-type", r.type))
            out.add(graph, node, term("subject"), self.ref(r.subject))
            if r.object:
                out.add(graph, node, term("object"), self.ref(r.object))
            if r.value:
                out.add(graph, node, term("value"), literal(r.value, lang="en"))
            if r.time:
                out.add(graph, node, term("time"), self.time(graph, r.time, origin))
            if r.quantity:
                out.add(graph, node, term("quantity"), self.quantity(graph, r.quantity, origin))
            self.readings(graph, node, r.reading)

    def concerns(self, target: str) -> set[str]:
        """Return the propositions that a claim about `target` bears on.

        Through a claim set: what its members affirm, also through sets that they affirm. A
        position on a denial is none of that kind on what was denied: such members lead nowhere.
        """
        found: set[str] = set()
        seen: set[str] = set()
        todo = [target]
        while todo:
            ref = todo.pop()
            record = self.facts.by_id[ref]
            if not isinstance(record, ClaimSet):
                found.add(self.ref(ref))
            elif ref not in seen:
                seen.add(ref)
                for member in [*record.stated, *record.inferred]:
                    claim = self.inner(member)
                    if claim.stance == "affirms" and claim.about:
                        todo.append(claim.about)
        return found

    def claim(self, record: Claim, origin: str, file: FactFile) -> None:
        """Write a claim and the relaying claims of its chain."""
        out = self.out
        document = file.document
        assert document is not None
        graph = out.graph(document.id)
        key = self.claim_key(record)
        identity = (record.id, key)
        node = out.mint("claim", key, identity, origin)
        with reading(record, SOURCE, origin) as c:
            self.types(graph, node, "Claim")
            self.record(graph, node, c, file)
            out.add(graph, node, _LABEL, literal(self.claim_label(record), lang="en"))
            self.texts(graph, node, _DESCRIPTION, c.description)
            for by in c.by:
                voice = self.voice(by, document.id)
                out.add(graph, node, term("claimant"), out.name("agent", voice))
            if c.about:
                out.add(graph, node, term("about"), self.ref(c.about))
                for proposition in sorted(self.concerns(c.about)):
                    out.add(graph, node, term("concerns"), proposition)
            if c.relays:
                out.add(graph, node, term("relays"), self.ref(c.relays))
                out.add(graph, node, term("ultimately"), self.innermost(c.relays))
            for name, value in (
                ("stance", c.stance),
                ("modality", c.modality),
                ("certainty", c.certainty),
                ("basis", c.basis),
                ("manner", c.manner),
                ("attribution", c.attribution),
            ):
                out.add(graph, node, term(name), out.concept(name, value))
            out.add(graph, node, term("inSource"), self.ref(document.id))
            spans = self.evidence(graph, node, c.evidence, file, origin)
            if c.time:
                out.add(graph, node, term("time"), self.time(graph, c.time, origin))
            for name, refs in (
                ("respondsTo", c.responds_to),
                ("concedes", c.concedes),
                ("contrastsWith", c.contrasts_with),
                ("givesReasonFor", c.gives_reason_for),
                ("saysOnly", c.says_only),
            ):
                for ref in refs:
                    out.add(graph, node, term(name), self.ref(ref))
            for quote in c.quoted:
                words = literal(quote.text, lang=quote.lang)
                out.add(graph, node, term("quotedWording"), words)
            if c.confidence:
                out.add(graph, node, term("extractionConfidence"), decimal(c.confidence))
            self.readings(graph, node, c.reading)
            self.chain(c.via, record, node, f"claim/{key}", spans, file, origin)

    def innermost(self, ref: str) -> str:
        """Return the N-Quads form of the claim at the inner end of a relay chain."""
        return self.ref(self.inner(ref).id)

    def inner(self, ref: str) -> Claim:
        """Return the claim at the inner end of a relay chain."""
        while True:
            record = self.facts.by_id[ref]
            assert isinstance(record, Claim)
            if not record.relays:
                return record
            ref = record.relays

    def chain(
        self,
        via: list[str],
        record: Claim,
        node: str,
        target: str,
        spans: list[str],
        file: FactFile,
        origin: str,
    ) -> None:
        """Write the relaying claims that `via` is short for, from the inside out."""
        out = self.out
        document = file.document
        assert document is not None
        graph = out.graph(document.id)
        ultimate = self.innermost(record.relays) if record.relays else node
        said = self.claim_label(record)
        for outlet in reversed(via):
            key = claim_key(document.id, [outlet], target)
            relay = out.mint("claim", key, ("via", outlet, target), origin)
            said = f"{self.label(outlet)} relayed: {said}"
            self.types(graph, relay, "Claim")
            self.record(graph, relay, record, file, f"{record.id}-via-{outlet}")
            out.add(graph, relay, _LABEL, literal(said, lang="en"))
            out.add(graph, relay, term("claimant"), self.ref(outlet))
            out.add(graph, relay, term("relays"), node)
            out.add(graph, relay, term("ultimately"), ultimate)
            for name, value in (
                ("stance", "affirms"),
                ("modality", "actual"),
                ("certainty", "unstated"),
                ("basis", self.source_basis(record)),
                ("manner", "stated"),
                ("attribution", record.attribution),
            ):
                out.add(graph, relay, term(name), out.concept(name, value))
            out.add(graph, relay, term("inSource"), self.ref(document.id))
            for span in spans:
                out.add(graph, relay, term("evidence"), span)
            node, target = relay, f"claim/{key}"

    def source_basis(self, record: Claim) -> str:
        """Return the basis of a relaying claim: a named or an unnamed source."""
        for by in record.by:
            agent = self.facts.by_id.get(by)
            if isinstance(agent, Agent) and agent.type in ("UnnamedSource", "Group"):
                return "unnamed-source"
        return "named-source"

    def claimset(self, record: ClaimSet, origin: str, file: FactFile) -> None:
        """Write a described class of claims and its members."""
        out = self.out
        graph = self.graph_of(file)
        node = out.mint("claimset", record.id, record.id, origin)
        with reading(record, SOURCE, origin) as s:
            self.types(graph, node, "ClaimSet")
            self.record(graph, node, s, file)
            self.texts(graph, node, _LABEL, s.label)
            for ref in s.stated:
                out.add(graph, node, term("statedMember"), self.ref(ref))
            for ref in s.inferred:
                out.add(graph, node, term("inferredMember"), self.ref(ref))
            out.add(graph, node, term("inSource"), self.ref(file.document.id))  # type: ignore[union-attr]  # kg.facts: it has one
            self.evidence(graph, node, s.evidence, file, origin)

    def mention(self, record: Mention, origin: str, file: FactFile) -> None:
        """Write a name in the text: its form, what it names and what it means."""
        out = self.out
        graph = self.graph_of(file)
        document = file.document
        assert document is not None
        with reading(record, SOURCE, origin) as m:
            node = self.span(graph, document, m.at, m.sha256, origin)
            self.types(graph, node, "Mention")
            self.record(graph, node, m, file)
            tag = script_tag(m.surface, document.language)
            out.add(graph, node, term("surface"), literal(m.surface, lang=tag))
            out.add(graph, node, term("denotes"), self.ref(m.names))
            if m.means:
                out.add(graph, node, term("standsFor"), self.ref(m.means))
            if m.stem:
                out.add(graph, node, term("stem"), literal(m.stem, lang=tag))
            if m.form:
                out.add(graph, node, term("form"), literal(m.form, lang="en"))

    def link(self, record: Link, origin: str, file: FactFile) -> None:
        """Write a curator's judgement that two events are perhaps the same."""
        out = self.out
        graph = out.graph("event-links")
        keys = [*map(self.key, record.events), *(f"event/{key}" for key in record.feed_events)]
        pair = sorted(keys)
        node = out.mint("record", digest_key("event-link", *pair), tuple(pair), origin)
        with reading(record, SOURCE, origin) as r:
            self.types(graph, node, "EventLink")
            self.record(graph, node, r, file)
            labels = [self.label(event) for event in sorted(r.events)]
            words = perhaps_the_same([*labels, *sorted(r.feed_events)])
            out.add(graph, node, _LABEL, literal(words, lang="en"))
            for key in keys:
                out.add(graph, node, term("links"), f"<{out.base}id/{key}>")
            out.add(graph, node, term("certainty"), out.concept("certainty", r.certainty))
            out.add(graph, node, term("accepted"), boolean(r.accepted))
            out.add(graph, node, term("reason"), literal(r.reason, lang="en"))

    def notice(self, record: Correction | Withdrawal, kind: str, origin: str) -> str:
        """Write what every notice says and return it."""
        out = self.out
        graph = out.graph("corrections")
        node = out.mint("notice", record.id, record.id, origin)
        reason = out.vocabulary.schemes["notice-reason"][record.reason]
        self.types(graph, node, kind, "Notice")
        out.add(graph, node, _IDENTIFIER, literal(record.id))
        words = f"{kind} of {record.date}: {reason.label}"
        out.add(graph, node, _LABEL, literal(words, lang="en"))
        out.add(graph, node, term("noticeReason"), term(reason.local))
        out.add(graph, node, term("authority"), literal(record.authority))
        out.add(graph, node, f"<{DCTERMS}date>", date(record.date))
        self.texts(graph, node, _DESCRIPTION, record.summary)
        return node

    def correction(self, record: Correction, origin: str, file: FactFile) -> None:
        """Write what was corrected, why and on whose authority."""
        with reading(record, SOURCE, origin) as r:
            node = self.notice(r, "Correction", origin)
            for ref in r.of:
                [address, *_] = self.addresses(ref)
                self.out.add(self.out.graph("corrections"), node, term("corrects"), address)

    def withdrawal(self, record: Withdrawal, origin: str, file: FactFile) -> None:
        """Write what was withdrawn, why and on whose authority, and the tombstones."""
        out = self.out
        graph = out.graph("corrections")
        whole = file.document is not None and file.document.id in record.of
        found = {
            address: isinstance(self.facts.by_id[ref], Relation)
            for ref in (sorted(file.withdrawn) if whole else record.of)
            for address in self.addresses(ref)
        }
        # What was suppressed has no tombstone: nothing tells that it was.
        told = [address for address in found if not out.held(address[1:-1])]
        if found and not told:
            return
        with reading(record, SOURCE, origin) as r:
            node = self.notice(r, "Withdrawal", origin)
            assert r.of
            for address in told:
                if not found[address]:  # another document may describe the same relation
                    self.types(graph, address, "Tombstone")
                out.add(graph, node, term("withdraws"), address)

    def addresses(self, ref: str) -> list[str]:
        """Return the addresses of a record, with those of the relaying claims that `via` gives.

        A mention has none of its own: its span may be the evidence of something else.
        """
        record = self.facts.by_id[ref]
        if isinstance(record, Mention):
            return []
        if isinstance(record, Link):
            pair = [*map(self.key, record.events), *(f"event/{k}" for k in record.feed_events)]
            pair.sort()
            return [self.out.name("record", digest_key("event-link", *pair))]
        found = [self.ref(ref)]
        if isinstance(record, Claim):
            document = self.facts.by_id.file_of(ref).document
            assert document is not None
            target = self.key(ref)
            for outlet in reversed(record.via):
                target = f"claim/{claim_key(document.id, [outlet], target)}"
                found.append(f"<{self.out.base}id/{target}>")
        return found

    def graph_of(self, file: FactFile) -> str:
        """Return the graph of a file's document."""
        assert file.document is not None
        return self.out.graph(file.document.id)


_AGENT_CLASSES = {
    name: (name, "Organization")
    for name in (
        "State",
        "GovernmentBody",
        "NewsOrganization",
        "IntergovernmentalOrganization",
        "ResearchOrganization",
        "ArmedActor",
    )
}
