#!/usr/bin/env python3
"""Load on the web app with SQLite: people click result pages while pictures are read. Run by hand on a quiet machine:

    load.py --semio target/release/semio --models MODELS --job pneumonia --picture FILE [--users 50] [--seconds 60]

Makes records of 100,000 patients, lets one physician upload, then prints as JSON: the result page's times at so many
users while readings wait, times from upload to result, times of the list of patients. MODELS holds a bundle of the job
(`semio train`); PICTURE is one of its pictures, as PNG. Needs nothing but Python's standard library.
"""

import argparse, http.client, json, os, pathlib, random, re, secrets, sqlite3, statistics, struct, subprocess, tempfile
import threading, time, urllib.parse, zlib

PASSWORD = "correct horse battery staple"
PATIENTS = 100_000
LISTS = ["", "order=name&down=true", "order=birth", "order=changed&down=true", "page=1000", "order=birth&page=1999",
         "q=a", "q=afamily12", "q=bgiven&order=birth", "scope=deleted"]


def other(png, seed):
    """The same picture as another file: a text chunk before the end makes other bytes."""
    text = b"Comment\0" + str(seed).encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    return png[:-12] + chunk + png[-12:]


class Browser:
    """One person on one kept connection."""

    def __init__(self, port, cookie="", csrf=""):
        self.port, self.cookie, self.csrf, self.line = port, cookie, csrf, None

    def send(self, method, path, body=None, headers=None):
        for attempt in (0, 1):
            try:
                self.line = self.line or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                head = {"cookie": self.cookie, "accept-encoding": "identity", **(headers or {})}
                self.line.request(method, path, body, head)
                answer = self.line.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                self.line = None
                if attempt:
                    raise
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie" and value.startswith("semio="):
                self.cookie = value.split(";")[0]
        return answer.status, answer.getheader("location") or "", text

    def get(self, path):
        status, _, text = self.send("GET", path)
        assert status == 200, f"{path} gave {status}"
        return text

    def timed(self, path):
        begun = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - begun) * 1000

    def post(self, path, **fields):
        head = {"content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urllib.parse.urlencode({"csrf": self.csrf, **fields}), head)

    def refresh(self):
        self.csrf = re.search(rb'name="csrf" content="([^"]+)"', self.get("/about")).group(1).decode()

    def sign_in(self, email):
        self.refresh()
        self.refresh()
        assert self.post("/sign-in", email=email, password=PASSWORD, next="/")[0] == 303
        self.refresh()

    def upload(self, patient, job, picture):
        mark = secrets.token_hex(16)
        part = f'--{mark}\r\ncontent-disposition: form-data; name="%s"\r\n\r\n'
        body = (part % "patient" + patient + "\r\n" + part % "job" + job + "\r\n").encode()
        body += f'--{mark}\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n'.encode()
        body += picture + f"\r\n--{mark}--\r\n".encode()
        head = {"content-type": f"multipart/form-data; boundary={mark}", "x-csrf": self.csrf}
        status, _, text = self.send("POST", "/upload", body, head)
        found = re.search(rb"/studies/([0-9a-f-]{36})", text)
        assert status == 200 and found, f"upload gave {status}: {text[:300]}"
        return found.group(1).decode()


def fill(database):
    """Rows in bulk, as years of work leave them."""
    db = sqlite3.connect(database)
    me = "(SELECT id FROM person WHERE email_key = 'load@clinic.example')"
    db.execute(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PATIENTS}) "
        "INSERT INTO patient (id, circle_id, owner_id, family_name, given_name, family_key, given_key, sex, birth_date, "
        f"note, created_at, changed_at, deleted_at) SELECT randomblob(16), {me}, {me}, 'F' || i, 'G' || i, "
        f"char(97 + (i * 7919) % 26) || 'family' || (i * 7919 % {PATIENTS}), char(97 + i % 26) || 'given' || i, "
        "'female', date('1930-01-01', (i % 30000) || ' days'), '', i, i, CASE WHEN i % 50 = 0 THEN i END FROM n"
    )
    db.commit()
    db.close()


def figures(times):
    times = sorted(times)
    at = lambda share: round(times[min(len(times) - 1, int(share * len(times)))], 1)
    return {"n": len(times), "median_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99), "most_ms": round(times[-1], 1)}


def metric(browser, name):
    return int(re.search(rf"^{name} (\d+)$".encode(), browser.get("/metrics"), re.M).group(1))


def main():
    parser = argparse.ArgumentParser()
    for name in ["semio", "models", "job", "picture"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two clicks of one user")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="semio-load-")
    place = ["--data", folder + "/data", "--models", options.models]
    account = ["--role", "physician", "--email", "load@clinic.example", "--given-name", "L", "--family-name", "Load"]
    command = [options.semio, "user", "add", *account, "--register-number", "10003759114", *place]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
    fill(folder + "/data/semio.db")
    log = open(folder + "/serve.log", "wb")
    environment = {**os.environ, "SEMIO_LOG": "warn"}
    command = [options.semio, "serve", "--listen", "127.0.0.1:0", *place]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    try:
        port = int(server.stdout.readline().strip().rsplit(":", 1)[1])
        print(json.dumps(run(port, options), indent=2))
    finally:
        server.terminate()
        server.wait()
    slow = pathlib.Path(folder, "serve.log").read_text()
    print(f"{slow.count('a slow statement')} slow statements; log in {folder}/serve.log")


def run(port, options):
    me = Browser(port)
    me.sign_in("load@clinic.example")
    picture = pathlib.Path(options.picture).read_bytes()
    result = {"users": options.users, "cores": os.cpu_count()}
    lists = {}
    for query in LISTS:
        me.timed(f"/patients?{query}")
        lists[query or "-"] = figures([me.timed(f"/patients?{query}") for _ in range(20)])
    result["list of 100,000"] = lists
    location = me.post("/patients/new", family_name="Load", given_name="L", sex="other", birth_date="1980-01-01")[1]
    patient = location.split("?")[0].rsplit("/", 1)[1]
    studies, alone = [], []
    for seed in range(20):
        begun = time.perf_counter()
        study = me.upload(patient, options.job, other(picture, seed))
        while b'aria-busy="true"' in me.get(f"/studies/{study}"):
            time.sleep(0.01)
        alone.append((time.perf_counter() - begun) * 1000)
        studies.append(study)
    result["upload to result, alone"] = figures(alone)
    # Fifty people of the same rights click; each has a kept connection.
    stop, lock, pages, uploads, waiting = threading.Event(), threading.Lock(), [], [], []

    def click():
        browser, own = Browser(port, me.cookie, me.csrf), []
        time.sleep(random.random() * options.pause)
        while not stop.is_set():
            own.append(browser.timed(f"/studies/{random.choice(studies)}"))
            time.sleep(random.expovariate(1 / options.pause))
        with lock:
            pages.extend(own)

    def send():
        browser, seed = Browser(port, me.cookie, me.csrf), 1000
        # As many as keep some readings waiting.
        while not stop.is_set():
            queued = metric(browser, "semio_predictions_queued")
            waiting.append(queued)
            if queued > 20:
                time.sleep(0.05)
                continue
            begun = time.perf_counter()
            browser.upload(patient, options.job, other(picture, seed))
            uploads.append((time.perf_counter() - begun) * 1000)
            seed += 1

    # The record would grow beyond what anybody has: uploads go to a patient of their own.
    patient = me.post("/patients/new", family_name="Other", given_name="O", sex="other", birth_date="1980-01-01")[1]
    patient = patient.split("?")[0].rsplit("/", 1)[1]
    threads = [threading.Thread(target=click) for _ in range(options.users)] + [threading.Thread(target=send)]
    [thread.start() for thread in threads]
    time.sleep(options.seconds)
    stop.set()
    [thread.join() for thread in threads]
    result["result page under load"] = figures(pages)
    result["upload acknowledged under load"] = figures(uploads)
    result["readings waiting, mean"] = round(statistics.mean(waiting), 1)
    result["readings done"] = metric(me, "semio_predictions_done")
    return result


if __name__ == "__main__":
    main()
