"""Command lines for the comparison with ipvsadm: every option with every command, and lines drawn by a seeded generator."""

import random
import socket
import time

COMMANDS = ["-A", "-E", "-D", "-C", "-R", "-S", "-a", "-e", "-d", "-L", "-Z", "--set 1 2 3", "--start-daemon master",
            "--stop-daemon master", "-h"]
OPTIONS = ["-t 10.0.0.1:80", "-u 10.0.0.1:53", "--sctp-service 10.0.0.1:99", "-f 5", "-s rr", "-p", "-p 60", "-M 255.255.255.0",
           "-r 10.0.0.2:80", "-g", "-i", "-m", "-w 2", "-x 3", "-y 1", "-n", "-c", "--mcast-interface d0", "--timeout",
           "--daemon", "--stats", "--rate", "--thresholds", "--persistent-conn", "--nosort", "--sort", "--syncid 3",
           "--exact", "-6", "--pe sip", "--tun-info", "--tun-type gue", "--tun-port 6080", "--tun-nocsum", "--tun-csum",
           "--tun-remcsum", "-o", "-b sh-port", "-b flag-1", "--sync-maxlen 1000", "--mcast-group 224.0.0.82",
           "--mcast-port 9000", "--mcast-ttl 3"]
BASE = {"-A": "-t 10.0.0.1:81", "-E": "-t 10.0.0.1:80", "-D": "-t 10.0.0.1:80", "-a": "-t 10.0.0.1:80 -r 10.0.0.3",
        "-e": "-t 10.0.0.1:80 -r 10.0.0.2", "-d": "-t 10.0.0.1:80 -r 10.0.0.2"}
# The table that the matrix works on.
SEED_TABLE = ["-A -t 10.0.0.1:80 -s sh -b sh-port -p 100", "-a -t 10.0.0.1:80 -r 10.0.0.2 -x 9 -y 5"]

GOOD_HOSTS4 = ["10.0.0.1", "10.0.0.2", "10.0.0.9", "192.168.1.1", "172.16.5.4", "140.1.1.1", "1.2.3.4", "10.0.0.200", "127.0.0.1"]
BAD_HOSTS = ["foo.invalid", "", "300.1.1.1", "10.0.0.1.5", "fd00::1::2", "1..2", "-", "10.0.0.1/24", "[10.0.0.1]", "*"]
ODD_HOSTS4 = ["10.1", "0x0a000001", "010.0.0.1", "localhost", "255.255.255.255", "224.0.0.1", "0.0.0.0", "10.0.0.255"]
HOSTS6 = ["fd00::1", "fd00::2", "fd00:1:2:3:4:5:6:7", "2001:db8::1", "::1", "::", "fd00:abcd:ef01:2345:6789:abcd:ef01:2345",
          "::ffff:10.0.0.1", "::10.0.0.1", "9000::2", "fe80::1"]
PORTS = ["80", "443", "8080", "0", "53", "65535", "40000"]
ODD_PORTS = ["http", "domain", "sip", "080", "+82", " 81", "https"]
BAD_PORTS = ["65536", "-1", "", "nosuch", "0x50", "80x", "99999999999999999999"]
SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf"]
BAD_SCHEDULERS = ["foo", "RR", "", "averyveryverylongschedulername", "twos"]
NUMBERS_BAD = ["-1", "x", "", "5x", "0x10", "99999999999", "4294967296"]


class Lines:
    """A stream of command lines; the same seed gives the same lines."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.services, self.servers = [], {}

    def pick(self, *weighted):
        """One of the lists, by weight, then one of it."""
        lists, weights = zip(*weighted)
        return self.random.choice(self.random.choices(lists, weights)[0])

    def chance(self, p):
        return self.random.random() < p

    def port(self):
        return self.pick((PORTS, 12), (ODD_PORTS, 3), (BAD_PORTS, 1))

    def host4(self):
        return self.pick((GOOD_HOSTS4, 14), (ODD_HOSTS4, 2), (BAD_HOSTS, 1))

    def endpoint(self, six, port_p=0.9):
        if six:
            host = self.random.choice(HOSTS6)
            return f"[{host}]:{self.port()}" if self.chance(port_p) else self.random.choice([host, f"[{host}]"])
        host = self.host4()
        return f"{host}:{self.port()}" if self.chance(port_p) else host

    def new_service(self):
        kind = self.random.choices(["-t", "-u", "--sctp-service", "-f"], [8, 4, 2, 4])[0]
        if kind == "-f":
            mark = self.pick((["1", "5", "7", "123", "4294967295", "2147483648"], 12), (["0", "-1", "x", "4294967296", "0x6", "07"], 1))
            return f"-f {mark}" + (" -6" if self.chance(0.3) else "")
        six = self.chance(0.3)
        return f"{kind} {quote(self.endpoint(six, 0.93))}"

    def service(self):
        if self.services and self.chance(0.85):
            return self.random.choice(self.services)
        return self.new_service()

    def six(self, service):
        return "[" in service or "-6" in service or "::" in service

    def flags(self, scheduler):
        own = {"sh": ["sh-port", "sh-fallback", "sh-fallback,sh-port"], "mh": ["mh-port", "mh-fallback", "mh-port,mh-fallback"]}
        return self.pick((own.get(scheduler, ["flag-1"]), 6), (["flag-1", "flag-2", "flag-3", "flag-1,flag-3", ",sh-port,", '""', "foo", "sh-port", "mh-port"], 1))

    def service_options(self, service):
        words, scheduler = [], "wlc"
        if self.chance(0.85):
            scheduler = self.pick((SCHEDULERS, 14), (BAD_SCHEDULERS, 1))
            words.append(f"-s {quote(scheduler)}")
        if self.chance(0.35) or service.endswith(":0"):
            words.append(self.pick((["-p", "-p 60", "-p 300", "-p 86400", "-p100", "--persistent=7", "-p 2678400"], 12),
                                   ([f"-p {quote(bad)}" for bad in [*NUMBERS_BAD, "0", "2678401"]], 1)))
            if self.chance(0.5):
                masks = ["64", "128", "1", "48"] if self.six(service) else ["255.255.255.0", "255.255.255.255", "255.0.0.0", "0.0.0.0"]
                words.append("-M " + self.pick((masks, 8), (["64", "255.255.255.0", "255.0.255.0", "foo", "129", "0", "24", "64x"], 2)))
            if self.chance(0.2):
                words.append(self.pick((["--pe sip"], 8), (["--pe foo", '--pe ""'], 1)))
        if self.chance(0.35 if scheduler in ("sh", "mh") else 0.05):
            words.append(f"-b {self.flags(scheduler)}")
        if self.chance(0.3 if service.startswith(("-u", "-f")) else 0.02):
            words.append("-o")
        return words

    def server(self, service):
        known = self.servers.get(service)
        if known and self.chance(0.7):
            return self.random.choice(known)
        six = self.six(service) != self.chance(0.08)
        return quote(self.endpoint(six, 0.7 if not six else 0.95))

    def server_options(self):
        words = []
        method = self.random.choices(["", "-g", "-i", "-m"], [4, 2, 3, 4])[0]
        if method:
            words.append(method)
        if self.chance(0.6):
            words.append("-w " + self.pick((["0", "1", "3", "100", "65535", "2147483647"], 12), ([quote(n) for n in [*NUMBERS_BAD, "2147483648"]], 1)))
        if self.chance(0.25):
            words.append("-x " + self.pick((["0", "100", "200", "65535"], 12), ([quote(n) for n in [*NUMBERS_BAD, "65536"]], 1)))
            if self.chance(0.6):
                words.append("-y " + self.pick((["0", "50", "80"], 12), (["300", "-1", "x"], 1)))
        if self.chance(0.5 if method == "-i" else 0.03):
            kind = self.random.choice(["ipip", "gue", "gre", "gue --tun-port 6080", "gue --tun-port 1", "gre"])
            words.append(f"--tun-type {kind}" if self.chance(0.95) else "--tun-type foo")
            if self.chance(0.5):
                words.append(self.random.choice(["--tun-csum", "--tun-nocsum", "--tun-remcsum", "--tun-port 7", "--tun-port 0", "--tun-csum --tun-remcsum"]))
        return words

    def listing(self):
        words = [self.random.choice(["-L", "-l", "-Ln", "-Ln", "-Ln", "--list -n", "-L -n"])]
        if self.chance(0.2):
            words.append(self.service())
        for option, p in (("--stats", 0.15), ("--rate", 0.15), ("--thresholds", 0.15), ("--persistent-conn", 0.12),
                          ("--tun-info", 0.15), ("--exact", 0.15), ("--nosort", 0.2), ("--sort", 0.08), ("-c", 0.04),
                          ("--timeout", 0.04), ("--daemon", 0.06), ("--syncid 3", 0.01), ("-6", 0.01), ("extra", 0.01)):
            if self.chance(p):
                words.append(option)
        self.random.shuffle(rest := words[1:])
        return " ".join([words[0], *rest])

    def daemon(self):
        role = self.random.choices(["master", "backup", "foo", ""], [8, 8, 1, 1])[0]
        if self.chance(0.35):
            return f"--stop-daemon {role}" + (" --syncid 3" if self.chance(0.1) else "") + (" --mcast-interface d0" if self.chance(0.1) else "")
        words = [f"--start-daemon {role}"]
        for option, good, bad in (("--mcast-interface", ["d0"] * 8 + ["lo"], ["nope", '""']), ("--syncid", ["0", "5", "255"], ["256", "-1", "x"]),
                                  ("--sync-maxlen", ["1000", "1472", "1"], ["0", "65508", "x"]), ("--mcast-group", ["224.0.0.99", "239.1.1.1"], ["10.0.0.1", "foo", "fd00::1"]),
                                  ("--mcast-port", ["9000", "1"], ["0", "65536", "http"]), ("--mcast-ttl", ["1", "255"], ["0", "256", "x"])):
            if self.chance(0.95 if option == "--mcast-interface" else 0.35):
                words.append(f"{option} {self.pick((good, 12), (bad, 1))}")
        return " ".join(words)

    def write(self):
        kind = self.random.choices(["A", "E", "D", "a", "e", "d"], [10, 3, 1.5, 14, 4, 2])[0]
        if kind in "AED":
            service = self.new_service() if kind == "A" else self.service()
            options = self.service_options(service) if kind in "AE" or self.chance(0.05) else []
            if kind == "A" and not any(service.endswith(f":{bad}") for bad in BAD_PORTS):
                self.services = [*self.services[-6:], service]
            words = [service, *options]
        else:
            service = self.service()
            server = self.server(service)
            self.servers.setdefault(service, []).append(server)
            words = [service, f"-r {server}", *(self.server_options() if kind in "ae" or self.chance(0.05) else [])]
        if self.chance(0.06):
            words.append(self.random.choice(OPTIONS))
        if self.chance(0.03):
            words.remove(self.random.choice(words))
        if self.chance(0.15):
            self.random.shuffle(words)
        head = self.random.choice([f"-{kind}"] * 9 + [{"A": "--add-service", "E": "--edit-service", "D": "--delete-service", "a": "--add-server", "e": "--edit-server", "d": "--delete-server"}[kind]])
        return " ".join([head, *words])

    def restore(self):
        lines = []
        for _ in range(self.random.randint(1, 7)):
            line = self.write() if self.chance(0.93) else self.random.choice(["", "-C", "# x", "ipvsadm", "-Z", "-A --nosuch", "-L -n -t 9.9.9.9:9", "-Sn", "foo -C"])
            if '"' not in line:
                lines.append(("ipvsadm " if self.chance(0.1) else "") + line)
        return "-R\n" + "\n".join(lines) + ("\n" if self.chance(0.9) else "")

    def rest(self):
        return self.random.choice([
            "", "-S", "-Sn", "-S -n", "-Z", f"-Z {self.service()}", "-C", "--set 900 120 300", "--set 0 60 0", "--set 1 2", "--set a 2 3",
            "--set 2678401 1 1", "--set 2678400 1 1", "--set 1 2 3 4", "--set -1 2 3", "--set", "-A", "-a", "-A -A", "-AE", "--", "-", "foo", "-z",
            "--nosuch", "-L --timeout=3", "-A -t", "-A -w x", "-tA 10.0.0.1:80", "-n", "-A -t 10.0.0.1:80 -- -s rr", "-L -", "-n=3", "-L -n=3",
            "--list=3", "-Lnn", "-Lnnn", "--add-service --tcp-service=10.0.0.1:80", "-A -=x", "-L --=x", "--save", "--save --numeric",
            "--clear", "--zero", "--help=x", "-?", "-V", "--version", "--usage", "-L --help", "-Ls", "-Lt 10.0.0.1:80", "-Lt10.0.0.1:80",
        ])

    def draw(self):
        kind = self.random.choices([self.write, self.listing, self.daemon, self.restore, self.rest], [12, 5, 1.2, 1.2, 1.5])[0]
        return kind()


TRAFFIC_TABLE = [
    "-A -u 10.0.0.200:5000 -s rr -o", "-a -u 10.0.0.200:5000 -r 127.0.0.1:5001 -m",
    "-A -u 10.0.0.200:5002 -s rr -p 60", "-a -u 10.0.0.200:5002 -r 127.0.0.1:5001 -m",
    "-A -t 10.0.0.200:6000 -s rr", "-a -t 10.0.0.200:6000 -r 127.0.0.1:6001 -m -x 10 -y 5",
    "-A -u [fd00::200]:5004 -s rr -p 9000", "-a -u [fd00::200]:5004 -r [::1]:5005 -m",
    "-a -u [fd00::200]:5004 -r [fd00:abcd:ef01:2345:6789:abcd:ef01:2345]:5005 -m",
    "-A -u 10.0.0.200:5060 -s rr -p 60 --pe sip", "-a -u 10.0.0.200:5060 -r 127.0.0.1:5060 -m",
]
TRAFFIC_LISTS = ["-Ln", "-L", "-Ln --stats", "-Ln --stats --exact", "-Ln --rate", "-Ln --rate --exact", "-Ln --thresholds",
                 "-Ln --persistent-conn", "-Ln --tun-info", "-Lnc", "-Lc", "-Lnc --persistent-conn", "-Lc --sort", "-Lnc --exact",
                 "-Ln -t 10.0.0.200:6000 --stats", "-Ln -u 10.0.0.200:5000 --stats"]


def make_traffic():
    """2 GB in large packets (of no server: they are only counted), a few connections of each kind, and time for the
    kernel's counters to catch up."""
    flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(40000):
        try:
            flood.sendto(b"x" * 50000, ("10.0.0.200", 5000))
        except OSError:
            pass
    invite = (b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.200:5060\r\nCall-ID: abcdef0123456789@host\r\n"
              b"From: <sip:x@y>\r\nTo: <sip:a@b>\r\nCSeq: 1 INVITE\r\n\r\n")
    for family, address, text in [(socket.AF_INET, ("10.0.0.200", 5002), b"hi")] * 3 + [(socket.AF_INET6, ("fd00::200", 5004), b"hi")] * 3 + [
            (socket.AF_INET, ("10.0.0.200", 5060), invite)]:
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.sendto(text, address)
    with socket.create_server(("127.0.0.1", 6001)), socket.create_connection(("10.0.0.200", 6000), 5):
        pass
    time.sleep(5)
    return flood.getsockname()


def quote(text):
    return f'"{text}"' if text == "" or " " in text else text


def matrix():
    """Every option with every command, on a small table."""
    lines = []
    for command in COMMANDS:
        for option in OPTIONS:
            base = BASE.get(command.split()[0], "")
            if option.startswith(("-t", "-u", "--sctp", "-f")):
                base = " ".join(word for word in base.split(" -r")[1:2])
                base = f"-r {base.strip()}" if base else ""
            if option.startswith("-r"):
                base = base.split(" -r")[0]
            lines.append(f"{command} {base} {option}".replace("  ", " "))
    return lines


def lines(count, seed):
    """`count` lines: the matrix, thinned to at most half of them, and drawn ones. "=" stands for a new, empty
    table, "~" for the matrix' small one."""
    chosen = matrix()
    picker = random.Random(seed)
    if len(chosen) > count // 2:
        chosen = sorted(picker.sample(range(len(chosen)), count // 2))
        chosen = [matrix()[at] for at in chosen]
    result = [line for chosen_line in chosen for line in ("~", chosen_line)]
    drawn = Lines(seed)
    for number in range(count - len(chosen)):
        if number % 60 == 0:
            result.append("=")
            drawn.services, drawn.servers = [], {}
        result.append(drawn.draw())
    return result
