"""Telegraf follows a file and puts its lines into a stream."""

import os
import subprocess

from harness.java import wait_for
from harness.kinesis import connect, make_stream, read_stream
from harness.server import KEY, REGION, SECRET, Server

# Built by the test command.
TELEGRAF = os.environ.get("ANABRANCH_TELEGRAF", "telegraf")
COUNT = 100_000

SETTINGS = """
[agent]
  interval = "1s"
  flush_interval = "200ms"
  metric_batch_size = 500
  metric_buffer_limit = {limit}
  omit_hostname = true

[[inputs.tail]]
  files = ["{file}"]
  initial_read_offset = "beginning"
  max_undelivered_lines = {limit}
  data_format = "value"
  data_type = "string"

[[outputs.kinesis]]
  region = "{region}"
  endpoint_url = "{endpoint}"
  streamname = "{stream}"
  data_format = "template"
  template = '{{{{ .Field "value" }}}}'
  [outputs.kinesis.partition]
    method = "random"
"""


def line(i):
    return f"{i} {'x' * (i % 100)}".strip()


def arrived(kinesis, stream):
    return [r["Data"].decode().rstrip("\n") for records in read_stream(kinesis, stream).values() for r in records]


def test_every_line_arrives(tmp_path):
    file, settings, log = tmp_path / "lines", tmp_path / "telegraf.conf", tmp_path / "log"
    with Server() as server:
        kinesis = connect(server)
        stream = make_stream(kinesis, 4)
        settings.write_text(
            SETTINGS.format(file=file, region=REGION, endpoint=server.endpoint, stream=stream, limit=2 * COUNT)
        )
        # Half of the lines are there, half come while it runs.
        file.write_text("".join(line(i) + "\n" for i in range(COUNT // 2)))
        known = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANABRANCH_"))}
        known |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [TELEGRAF, "--config", str(settings)], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=known
            )
        try:
            wait_for("half of the lines", lambda: len(arrived(kinesis, stream)) >= COUNT // 2, pause=2)
            with open(file, "a") as more:
                more.writelines(line(i) + "\n" for i in range(COUNT // 2, COUNT))
            wait_for("every line", lambda: len(arrived(kinesis, stream)) >= COUNT, pause=2)
        except AssertionError:
            print(log.read_text()[-4000:])
            raise
        finally:
            process.terminate()
            process.wait(timeout=60)
        assert sorted(arrived(kinesis, stream)) == sorted(line(i) for i in range(COUNT))
