"""S1 under fire: advertisements that must not be accepted are counted by their reason and change no state."""

import re

from pair import Pair
from wait import check, until
from wire import advertisement, checksum, send

VIP, PASSWORD, VRID = "10.0.0.100", "1066", 41
SECRET = re.compile(rf"(?<!\d){PASSWORD}(?!\d)")  # a time may have the same digits in it


def logged(director):
    with open(director.log, encoding="utf-8", errors="replace") as file:
        return file.read()


def with_checksum(message):
    """The message with its checksum made right."""
    bare = message[:6] + b"\0\0" + message[8:]
    return message[:6] + checksum(bare).to_bytes(2, "big") + message[8:]


def garbage(priority):
    """(what, counter, message, TTL): each wrong in one way alone; with priority 0 or 255 it would hurt if accepted."""
    right = advertisement(VRID, priority, [VIP], PASSWORD)
    broken = right[:6] + bytes([right[6] ^ 0xFF]) + right[7:]
    more = with_checksum(right[:3] + b"\x09" + right[4:])
    return (
        ("of 5 bytes", "rejected_length", right[:5], 255),
        ("cut in the address list", "rejected_length", right[:10], 255),
        ("with a wrong checksum", "rejected_checksum", broken, 255),
        ("with TTL 254", "rejected_ttl", right, 254),
        ("with a wrong password", "rejected_auth", advertisement(VRID, priority, [VIP], "wrong"), 255),
        ("of version 5", "rejected_version", advertisement(VRID, priority, [VIP], PASSWORD, version=5), 255),
        ("of type 2", "rejected_type", advertisement(VRID, priority, [VIP], PASSWORD, kind=2), 255),
        ("with interval 7", "rejected_interval", advertisement(VRID, priority, [VIP], PASSWORD, interval=7), 255),
        ("without authentication", "rejected_auth_type", with_checksum(right[:4] + b"\0" + right[5:]), 255),
        ("that counts 9 addresses and has 1", "rejected_length", more, 255),
    )


def run(case):
    pair = Pair(case, "10.0.0", VIP, ("s1-failover.master.conf", "s1-failover.backup.conf"), clients=("200",))
    case.step("start")
    pair.started()
    for director in (pair.d1, pair.d2):
        director.ready()
    for priority in (0, 255):
        for what, counter, message, ttl in garbage(priority):
            case.step(f"an advertisement {what}, priority {priority}")
            counts = [count(d, counter) for d in (pair.d1, pair.d2)]
            send(pair.client, pair.clients[0], message, ttl)
            for director, before in zip((pair.d1, pair.d2), counts):
                until(f"{director.name} counts it as {counter}", lambda: count(director, counter) == before + 1, 3,
                      lambda: director.status()["virtual_routers"][0]["counters"])
    case.step("the state never changed")
    mark = pair.wire.mark()
    pair.wire.advert("d1 goes on", mark, 3, port="d1")
    check("d2 never sent anything", not pair.wire.adverts(port="d2"))
    check("d1 alone holds the VIP", pair.holders() == ["d1"], pair.holders())
    sent = [f.priority for f in pair.wire.adverts(port="d1")]
    check("d1 never resigned", set(sent) == {200}, sent)
    states = [d.status()["virtual_routers"][0]["state"] for d in (pair.d1, pair.d2)]
    check("MASTER and BACKUP", states == ["MASTER", "BACKUP"], states)
    secrets = [d for d in (pair.d1, pair.d2) if SECRET.search(d.must("status", "--json") + d.must("events") + logged(d))]
    check("the password is told nowhere", not secrets, [d.name for d in secrets])


def count(director, counter):
    return director.status()["virtual_routers"][0]["counters"][counter]
