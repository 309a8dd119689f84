#!/usr/bin/env python3
"""Kills `semio serve` with signal 9 in the middle of uploads and looks at what is there after a restart. Run by hand:

    kill.py --semio target/debug/semio --models MODELS --job pneumonia --database sqlite|postgres|mariadb [--uploads 200]

Fails where something that was acknowledged is missing, a queued reading is not finished, a picture is half written, or
the audit trail does not verify. Needs nothing but Python's standard library (and psql or mariadb for their databases).
"""

import argparse, hashlib, http.client, os, pathlib, random, re, secrets, signal, struct, subprocess, sys, tempfile
import threading, time, urllib.parse, zlib

PASSWORD = "correct horse battery"


def png(seed):
    """A grey picture of 128 x 128 pixels that no other seed gives."""
    rng, side = random.Random(seed), 128
    rows = b"".join(
        b"\0" + bytes(min(255, max(0, 60 + x + y // 2 + rng.randrange(-20, 20))) for x in range(side)) for y in range(side)
    )

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Browser:
    """One person's cookie and proof of origin."""

    def __init__(self, port):
        self.port, self.cookie, self.csrf = port, "", ""

    def send(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"cookie": self.cookie, **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie" and value.startswith("semio="):
                self.cookie = value.split(";")[0]
        connection.close()
        return answer.status, answer.getheader("location") or "", text

    def refresh(self):
        text = self.send("GET", "/about")[2].decode()
        self.csrf = re.search(r'name="csrf" content="([^"]+)"', text).group(1)

    def post(self, path, **fields):
        body = urllib.parse.urlencode({"csrf": self.csrf, **fields})
        return self.send("POST", path, body, {"content-type": "application/x-www-form-urlencoded"})

    def sign_in(self):
        self.refresh()
        self.refresh()
        status = self.post("/sign-in", email="kill@clinic.example", password=PASSWORD, next="/")[0]
        assert status == 303, f"sign-in gave {status}"
        self.refresh()

    def upload(self, patient, job, picture):
        mark = secrets.token_hex(16)
        part = f"--{mark}\r\ncontent-disposition: form-data; name=\"%s\"\r\n\r\n"
        body = (part % "patient" + patient + "\r\n" + part % "job" + job + "\r\n").encode()
        body += f"--{mark}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n".encode()
        body += picture + f"\r\n--{mark}--\r\n".encode()
        kind = {"content-type": f"multipart/form-data; boundary={mark}", "x-csrf": self.csrf}
        status, _, text = self.send("POST", "/upload", body, kind)
        found = re.search(rb'/studies/([0-9a-f-]{36})', text)
        assert status == 200 and found, f"upload gave {status}: {text[:300]}"
        return found.group(1).decode()


def start(options, url, data):
    command = [options.semio, "serve", "--listen", "127.0.0.1:0", "--models", options.models, "--data", data]
    log = open(os.path.join(data, "..", "serve.log"), "ab")
    server = subprocess.Popen(command + ["--database", url], stdout=subprocess.PIPE, stderr=log, text=True)
    line = server.stdout.readline()
    assert line.startswith("open http://"), f"no address but {line!r}; see {log.name}"
    return server, int(line.strip().rsplit(":", 1)[1])


def figures(browser):
    text = browser.send("GET", "/metrics")[2].decode()
    return {name: int(value) for name, value in re.findall(r"^(semio_\w+) (\d+)$", text, re.M)}


def load(browser, patient, job, seeds, kept, stop_at, stopped):
    """Four clients at once; what was acknowledged is kept."""
    lock, queue = threading.Lock(), list(seeds)

    def work():
        while True:
            with lock:
                if not queue or stopped.is_set():
                    return
                seed = queue.pop()
            picture = png(seed)
            try:
                study = browser.upload(patient, job, picture)
            except (OSError, http.client.HTTPException):
                return
            with lock:
                kept[hashlib.sha256(picture).hexdigest()] = study
                if len(kept) >= stop_at:
                    stopped.set()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    return threads


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--semio", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--job", default="pneumonia")
    parser.add_argument("--database", choices=["sqlite", "postgres", "mariadb"], default="sqlite")
    parser.add_argument("--uploads", type=int, default=200)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="semio-kill-")
    data, name = os.path.join(folder, "data"), f"semio_kill_{os.getpid()}"
    os.mkdir(data)
    tools = {
        "postgres": ["psql", "-q", "-h", "127.0.0.1", "-U", "postgres", "-c"],
        "mariadb": ["mariadb", "-h", "127.0.0.1", "-u", "root", "-e"],
    }
    tool = tools.get(options.database)
    url = {
        "sqlite": f"sqlite://{data}/semio.db?mode=rwc",
        "postgres": f"postgres://postgres@127.0.0.1:5432/{name}",
        "mariadb": f"mysql://root@127.0.0.1:3306/{name}",
    }[options.database]
    if tool:
        subprocess.run(tool + [f"CREATE DATABASE {name}"], check=True)
    try:
        run(options, url, data)
    finally:
        if tool:
            force = " WITH (FORCE)" if options.database == "postgres" else ""
            subprocess.run(tool + [f"DROP DATABASE {name}{force}"], check=True)


def run(options, url, data):
    account = ["--role", "physician", "--email", "kill@clinic.example", "--given-name", "K", "--family-name", "Kill"]
    place = ["--data", data, "--database", url, "--models", options.models]
    command = [options.semio, "user", "add", *account, "--register-number", "10003759114", *place]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
    server, port = start(options, url, data)
    browser, kept, stopped = Browser(port), {}, threading.Event()
    browser.sign_in()
    fields = {"family_name": "Kill", "given_name": "K", "sex": "other", "birth_date": "1980-01-01"}
    status, location, _ = browser.post("/patients/new", **fields)
    assert status == 303, f"a patient gave {status}"
    patient = location.split("?")[0].rsplit("/", 1)[1]
    half = options.uploads // 2
    threads = load(browser, patient, options.job, range(options.uploads), kept, half, stopped)
    stopped.wait(600)
    waiting = figures(browser).get("semio_predictions_queued", 0)
    server.send_signal(signal.SIGKILL)
    server.wait()
    [thread.join() for thread in threads]
    acknowledged = dict(kept)
    print(f"killed after {len(acknowledged)} acknowledged uploads with {waiting} readings waiting")
    server, port = start(options, url, data)
    try:
        browser.port = port
        # The cookie is still good: sessions lie in the database.
        status = browser.send("GET", "/account")[0]
        assert status == 200, f"the session is gone ({status})"
        for seed in range(options.uploads):
            picture = png(seed)
            if hashlib.sha256(picture).hexdigest() not in kept:
                kept[hashlib.sha256(picture).hexdigest()] = browser.upload(patient, options.job, picture)
        begun = time.time()
        while (now := figures(browser))["semio_predictions_queued"] + now["semio_predictions_running"] > 0:
            assert time.time() - begun < 900, f"readings are not finished after 15 minutes: {now}"
            time.sleep(0.5)
        assert now["semio_predictions_failed"] == 0, now
        for sha256, study in kept.items():
            status, _, text = browser.send("GET", f"/studies/{study}")
            assert status == 200 and b"data-outcome=" in text, f"study {study} has no result ({status})"
            image = re.search(rb"/images/([0-9a-f-]{36})/view", text).group(1).decode()
            status = browser.send("GET", f"/images/{image}/picture.png")[0]
            assert status == 200, f"the picture of study {study} gave {status}"
            file = pathlib.Path(data, "pictures", sha256[:2], sha256)
            assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256, f"{file} is not whole"
        left = 0
        for file in pathlib.Path(data, "pictures").glob("*/*"):
            if re.fullmatch("[0-9a-f]{64}", file.name):
                assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name, f"{file} is half written"
            else:
                left += 1
        print(f"{len(kept)} studies whole, {now['semio_predictions_done']} results, {left} unfinished files beside them")
    finally:
        server.terminate()
        server.wait()
    verified = subprocess.run([options.semio, "audit", "verify", *place], text=True, capture_output=True)
    print(verified.stdout.strip() or verified.stderr.strip())
    sys.exit(verified.returncode)


if __name__ == "__main__":
    main()
