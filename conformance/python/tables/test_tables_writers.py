"""Many writers of one item, and what is left of their writes after kill -9."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from harness.kinesis import call_code, connect
from harness.server import Server
from harness.tables import make_table, plain, scan

FAILED = "ConditionalCheckFailedException"


def test_of_fifty_takers_one_wins(server):
    dynamodb = connect(server, "dynamodb")
    table, key = make_table(dynamodb), {"id": {"S": "counter"}}
    dynamodb.put_item(TableName=table, Item=key | {"n": {"N": "0"}})

    def take(number):
        return call_code(
            dynamodb.update_item, TableName=table, Key=key, UpdateExpression="SET n = :next",
            ConditionExpression="n = :now",
            ExpressionAttributeValues={":now": {"N": str(number)}, ":next": {"N": str(number + 1)}},
        )

    with ThreadPoolExecutor(50) as pool:
        for number in range(20):
            codes = list(pool.map(take, [number] * 50))
            assert sorted(codes, key=str) == [FAILED] * 49 + [None], number
    assert dynamodb.get_item(TableName=table, Key=key)["Item"]["n"]["N"] == "20"


def test_increments_at_once_all_count(server):
    dynamodb = connect(server, "dynamodb")
    table, key = make_table(dynamodb), {"id": {"S": "counter"}}

    def add(_):
        answer = dynamodb.update_item(
            TableName=table, Key=key, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["n"]["N"])

    with ThreadPoolExecutor(50) as pool:
        seen = list(pool.map(add, range(1000)))
    assert sorted(seen) == list(range(1, 1001)), "every increment has seen the one before"


class Worker(threading.Thread):
    """Renews leases of its own one after the other, as KCL does, and remembers what was acknowledged."""

    def __init__(self, server, table, leases):
        super().__init__()
        self.dynamodb, self.table, self.leases = connect(server, "dynamodb"), table, leases
        self.counters = dict.fromkeys(leases, 0)
        self.sent = dict.fromkeys(leases, 0)

    def run(self):
        try:
            while True:
                for lease in self.leases:
                    self.renew(lease)
        except (BotoCoreError, ClientError) as error:
            self.error = error

    def renew(self, lease):
        counter = self.counters[lease]
        self.sent[lease] = counter + 1
        self.dynamodb.update_item(
            TableName=self.table, Key={"id": {"S": lease}},
            Expected={"counter": {"Value": {"N": str(counter)}}, "owner": {"Exists": False}},
            AttributeUpdates={"counter": {"Value": {"N": str(counter + 1)}, "Action": "PUT"}},
        )
        self.counters[lease] = counter + 1


def test_leases_survive_kill_9():
    with Server() as server:
        dynamodb = connect(server, "dynamodb")
        table = make_table(dynamodb, indexes=[("by-owner", "owner", "id")])
        workers = [[f"lease-{w}-{i}" for i in range(10)] for w in range(8)]
        for lease in sum(workers, []):
            dynamodb.put_item(TableName=table, Item={"id": {"S": lease}, "counter": {"N": "0"}})
        for life in range(3):
            running = [Worker(server, table, leases) for leases in workers]
            found = {item["id"]["S"]: int(item["counter"]["N"]) for item in scan(dynamodb, table)}
            for worker in running:
                worker.counters = {lease: found[lease] for lease in worker.leases}
                worker.sent = dict(worker.counters)
                worker.start()
            time.sleep(1)
            server.kill()
            for worker in running:
                worker.join()
                assert not isinstance(worker.error, ClientError), "until the kill, every renewal succeeds"
            server.start()
            found = {item["id"]["S"]: int(item["counter"]["N"]) for item in scan(dynamodb, table)}
            assert sum(found.values()) > 0
            for worker in running:
                for lease in worker.leases:
                    # What was acknowledged is there; the last one may be, too.
                    assert worker.counters[lease] <= found[lease] <= worker.sent[lease], (life, lease)


def test_transactions_are_whole_after_kill_9():
    with Server() as server:
        dynamodb = connect(server, "dynamodb")
        tables = [make_table(dynamodb), make_table(dynamodb)]
        acknowledged, stop = [], threading.Event()

        def transact(number):
            client = connect(server, "dynamodb")
            for round_ in range(10_000):
                if stop.is_set():
                    return
                items = [{"Put": {"TableName": table, "Item": {"id": {"S": f"{number}-{i}"}, "r": {"N": str(round_)}}}}
                         for table in tables for i in range(5)]
                try:
                    client.transact_write_items(TransactItems=items)
                except (BotoCoreError, ClientError):
                    return
                acknowledged.append((number, round_))

        writers = [threading.Thread(target=transact, args=(n,)) for n in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        server.kill()
        stop.set()
        for writer in writers:
            writer.join()
        server.start()
        last = dict(sorted(acknowledged))
        for number in range(4):
            rounds = {
                plain(dynamodb.get_item(TableName=table, Key={"id": {"S": f"{number}-{i}"}})["Item"])["r"]
                for table in tables for i in range(5)
            }
            assert len(rounds) == 1 and rounds.pop() >= last[number]
