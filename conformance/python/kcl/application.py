"""The record processor that the multi-language daemon runs for each shard; see test_kclpy.py.

Writes `shard key data` for each record into FILE, and `END shard` for each shard that it reads to the end.
"""

import os

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class RecordProcessor(processor.RecordProcessorBase):
    def write(self, lines):
        # One write each, because the processes of all shards append to the same file.
        with open(os.environ["FILE"], "ab", buffering=0) as file:
            file.write(b"".join(lines))

    def initialize(self, initialize_input):
        self.shard = initialize_input.shard_id.encode()

    def process_records(self, process_records_input):
        self.write([
            b" ".join([self.shard, record.partition_key.encode(), record.binary_data]) + b"\n"
            for record in process_records_input.records
        ])
        process_records_input.checkpointer.checkpoint()

    def lease_lost(self, lease_lost_input):
        pass

    def shard_ended(self, shard_ended_input):
        self.write([b"END " + self.shard + b"\n"])
        shard_ended_input.checkpointer.checkpoint()

    def shutdown_requested(self, shutdown_requested_input):
        shutdown_requested_input.checkpointer.checkpoint()


if __name__ == "__main__":
    kcl.KCLProcess(RecordProcessor()).run()
