# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Answers questions from zone files, as their server would with them, once they are published (RFC 1034 4.3.2).
#
# All zones together are one: an alias is followed from one file into another. What no file says is not determined.

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ..._errors import OptionError
from ..._files import opener
from ..text import printable
from .messages import MAX_ALIASES, MAX_RECORDS, require_dnspython
from .model import ABSENT, NOT_DETERMINED, PRESENT, Answer, not_determined
from .records import circle, in_words, name_text, record_of

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple, Union

    from .model import Question

MOST_RECORDS = 200000  # of a file and all that it includes
MOST_OCTETS = 2**26  # of one file
MOST_INCLUDED, MOST_AT_ONCE = 1000, 10  # files: in all, and that include one another
_open_file = opener(MOST_OCTETS)
NOT_SIGNED = "a zone file does not show it"  # what DNSSEC says: signatures are made by the server


class _Zone(NamedTuple):
    """What a file holds. Names are dnspython's: equal whatever the case of their letters."""

    origin: Any
    nodes: Mapping[Any, Mapping[str, Any]]  # name -> kind -> records
    names: Set[Any]  # those, and those between them and the origin, which exist without records (RFC 8020 2)
    ttl_of_denial: int  # RFC 2308 5


class _Alias(NamedTuple):
    """Where a name leads."""

    target: Any
    ttl: int


class ZoneFiles:
    """Answers by `ask()` as a resolver does, but at once. Raises OptionError, which names file and line.

    `files` are pairs of a path and the zone's name; where that is empty, the file itself has to say it, by $ORIGIN or
    by a SOA record with its full name. `option` is what the files were given by.
    """

    def __init__(self, files: Sequence[Tuple[str, str]], option: str = "zone_files") -> None:
        require_dnspython(option)
        self._zones: Dict[Any, _Zone] = {}  # by their origins
        for index, (path, name) in enumerate(files):
            where = "%s[%d]" % (option, index)
            zone = _read_zone(path, name, where)
            if zone.origin in self._zones:
                raise OptionError(where, "is a second file of the zone %s." % _shown(zone.origin))
            self._zones[zone.origin] = zone

    def ask(self, question: Question, then: Callable[[Answer], None]) -> None:
        then(self.answer(question))

    def answer(self, question: Question) -> Answer:
        import dns.exception
        import dns.name

        try:
            name = dns.name.from_text(question.name)
        except (dns.exception.DNSException, UnicodeError) as error:
            return not_determined(question, "it is no name: %s" % in_words(error))
        aliases: List[str] = []
        ttls: List[int] = []
        seen: Set[Any] = set()
        while name not in seen and len(aliases) <= MAX_ALIASES:
            seen.add(name)
            found = self._find(question, name)
            if isinstance(found, Answer):
                if found.ttl is not None:
                    found = found._replace(ttl=min([*ttls, found.ttl]))
                return found._replace(aliases=tuple(aliases) if found.state != NOT_DETERMINED else ())
            name = found.target
            ttls.append(found.ttl)
            aliases.append(name_text(name))
        return circle(question, aliases)

    def _find(self, question: Question, name: Any) -> Union[Answer, _Alias]:
        """Return what there is at one name (RFC 1034 4.3.2)."""
        zone = self._zone_of(name)
        if zone is None:
            nothing = not_determined(question, "%s is not in the zone files" % _shown(name))
            return nothing._replace(above_zones=self._is_above(name))
        above = _on_the_way(question, zone, name)
        if above is not None:
            return above
        if name in zone.nodes:
            return _in_node(question, zone, zone.nodes[name])
        if name in zone.names:
            return _nothing(question, zone, exists=True)
        encloser = name.parent()
        while encloser not in zone.names:
            encloser = encloser.parent()
        wildcard = _child(b"*", encloser)  # RFC 4592 3.3.1
        if wildcard in zone.nodes:
            return _in_node(question, zone, zone.nodes[wildcard])
        return _nothing(question, zone, exists=wildcard in zone.names)

    def _zone_of(self, name: Any) -> Optional[_Zone]:
        """Return the zone that the name is in: the lowest of those above it."""
        while name not in self._zones:
            if not len(name.labels) > 1:
                return None
            name = name.parent()
        return self._zones[name]

    def _is_above(self, name: Any) -> bool:
        """Return whether a zone is below the name, or below what it says something of (`_dmarc`, RFC 8552)."""
        while name.labels[0].startswith(b"_"):
            name = name.parent()
        return any(origin.is_subdomain(name) for origin in self._zones)


def _on_the_way(question: Question, zone: _Zone, name: Any) -> Union[Answer, _Alias, None]:
    """Return what keeps a question from its name: a delegation (RFC 1034 4.2.1), or DNAME (RFC 6672), from the top."""
    import dns.name

    for depth in range(len(zone.origin.labels), len(name.labels) + 1):
        ancestor = _name_of(name.labels[-depth:])
        sets = zone.nodes.get(ancestor, {})
        if "NS" in sets and ancestor != zone.origin:
            glue = zone.nodes.get(name, {}).get(question.kind) if question.kind in ("A", "AAAA") else None
            if glue is not None:
                return _present(question, glue)
            return not_determined(question, "%s is delegated: its own servers know" % _shown(ancestor))
        if "DNAME" in sets and ancestor != name:
            (record,) = sets["DNAME"]
            try:
                return _Alias(name.relativize(ancestor).concatenate(record.target), sets["DNAME"].ttl)
            except dns.name.NameTooLong as error:  # RFC 6672 2.2
                return not_determined(question, "DNAME of %s: %s" % (_shown(ancestor), in_words(error)))
    return None


def _in_node(question: Question, zone: _Zone, sets: Mapping[str, Any]) -> Union[Answer, _Alias]:
    if question.kind in sets:
        return _present(question, sets[question.kind])
    if "CNAME" in sets:
        return _Alias(sets["CNAME"][0].target, sets["CNAME"].ttl)
    return _nothing(question, zone, exists=True)


def _present(question: Question, records: Any) -> Answer:
    values = tuple(record_of(question.kind, record) for record in records)
    return Answer(question, PRESENT, values, exists=True, ttl=records.ttl, reason=NOT_SIGNED)


def _nothing(question: Question, zone: _Zone, exists: bool) -> Answer:
    return Answer(question, ABSENT, exists=exists, ttl=zone.ttl_of_denial, reason=NOT_SIGNED)


# Names and files


def _child(label: bytes, name: Any) -> Any:
    return _name_of((label, *name.labels))


def _name_of(labels: Sequence[bytes]) -> Any:
    import dns.name

    return dns.name.Name(labels)


def _shown(name: Any) -> str:
    return name_text(name) or "the root"


class _TooMuch(Exception):
    """A file asks for more than anybody publishes; says for what."""


class _Soa(Exception):
    """The SOA record is here; says whose."""

    def __init__(self, owner: Any) -> None:
        super().__init__()
        self.owner = owner


def _read_zone(path: str, name: str, where: str) -> _Zone:
    """Read one file. Raises OptionError."""
    import dns.exception
    import dns.name
    import dns.rdatatype
    import dns.zone
    import dns.zonefile

    try:
        given = dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        raise OptionError(where, "%s: %s is no name of a zone." % (printable(path), printable(name))) from None
    origin = given if name else _owner_of_soa(path, where)
    zone = dns.zone.Zone(origin, relativize=False)
    _read(path, zone.writer(True), where)
    nodes: Dict[Any, Mapping[str, Any]] = {
        owner: {dns.rdatatype.to_text(records.rdtype): records for records in node.rdatasets}
        for owner, node in zone.nodes.items()
    }
    if "SOA" not in nodes.get(origin, {}):
        raise OptionError(where, "%s has no SOA record of %s." % (printable(path), _shown(origin)))
    names: Set[Any] = {origin}
    for owner in nodes:
        while owner not in names:
            names.add(owner)
            owner = owner.parent()
    soa = nodes[origin]["SOA"]
    return _Zone(origin, nodes, names, min(soa[0].minimum, soa.ttl))


def _owner_of_soa(path: str, where: str) -> Any:
    """Return the name of a zone that its file tells. Raises OptionError."""
    import dns.rdatatype
    import dns.zonefile

    class LooksForSoa(dns.zonefile.RRsetsReaderTransaction):
        def add(self, *record: Any) -> None:
            if record[-1].rdtype == dns.rdatatype.SOA:
                raise _Soa(record[0])

    try:
        _read(path, LooksForSoa(dns.zonefile.RRSetsReaderManager(), True, False), where)
    except _Soa as soa:
        if len(soa.owner.labels) > 1:
            return soa.owner
    raise OptionError(where, "%s does not say which zone it is: let $ORIGIN at its top say it." % printable(path))


def _read(path: str, into: Any, where: str) -> None:
    """Let dnspython read a file into a transaction of its own. Raises OptionError, which names file and line."""
    reader = None
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", opener=_open_file) as file, into as transaction:
            reader = _reader(file, path, transaction)
            reader.read()
    except _Soa:
        raise
    except OSError as error:
        said = (error.strerror or "").lower()
        at = "%s cannot be read: %s." % (printable(path), said)
        if reader:
            at = "%s:%d: the file to include cannot be read: %s." % (
                printable(reader.tok.filename),
                reader.tok.line,
                said,
            )
        raise OptionError(where, at) from None
    except Exception as error:  # noqa: BLE001  # whatever dnspython makes of what the file holds
        name, read_to = reader.tok.where() if reader else (path, 0)
        text = in_words(error).replace("%s:%d: " % (name, read_to), "").rstrip(".")
        if name != path and not isinstance(error, _TooMuch):
            # By $INCLUDE any file can be read: what it holds is for nobody who only reads what we say.
            text = "this file, which %s includes, is not written as one" % printable(path)
        line = reader.tok.line if reader else read_to
        raise OptionError(where, "is no zone file: %s:%d: %s." % (printable(name), line, text)) from None
    finally:
        for included in (reader.current_file, *(state[3] for state in reader.saved_state)) if reader else ():
            if included is not None:
                included.close()


def _reader(file: Any, path: str, transaction: Any) -> Any:
    """Return dnspython's reader of a file, which comes to an end whatever the file says."""
    import dns.rdataclass
    import dns.tokenizer
    import dns.zonefile

    class Tokens(dns.tokenizer.Tokenizer):
        """Knows the line of the last word; dnspython says where it has read to, which may be the next line."""

        line = 1
        includes = False  # whether the next word is the name of a file

        def get(self, want_leading: bool = False, want_comment: bool = False) -> Any:
            token = super().get(want_leading, want_comment)
            if not token.is_eol_or_eof():
                self.line = self.line_number - (self.ungotten_char == "\n")
                if self.includes:
                    os.close(_open_file(token.value, os.O_RDONLY))
            self.includes = want_leading and token.is_identifier() and token.value.upper() == "$INCLUDE"
            return token

    class Reader(dns.zonefile.Reader):
        """Reads the files that are included as it does the first."""

        included = 0
        _tokens: Tokens

        @property
        def tok(self) -> Tokens:
            return self._tokens

        @tok.setter
        def tok(self, tokens: Any) -> None:
            if not isinstance(tokens, Tokens):
                self.included += 1
                if self.included > MOST_INCLUDED or len(self.saved_state) > MOST_AT_ONCE:
                    text = "there are more than %d files to include, or %d that include one another"
                    raise _TooMuch(text % (MOST_INCLUDED, MOST_AT_ONCE))
                tokens = Tokens(tokens.file, tokens.filename)
            self._tokens = tokens

    transaction.add = _counted(transaction.add)
    transaction.check_put_rdataset(_check_set)
    return Reader(Tokens(file, path), dns.rdataclass.IN, transaction, allow_include=True)


def _counted(add: Callable[..., None]) -> Callable[..., None]:
    """Return the function that adds a record, and refuses those that are too many."""
    left = iter(range(MOST_RECORDS))

    def counted(*record: Any) -> None:
        if next(left, None) is None:
            raise _TooMuch("it has more than %d records" % MOST_RECORDS)
        add(*record)

    return counted


def _check_set(_transaction: Any, name: Any, records: Any) -> None:
    """Each record that is added has those before it copied."""
    if len(records) > MAX_RECORDS:
        raise _TooMuch("%s has more than %d records of a kind" % (_shown(name), MAX_RECORDS))
