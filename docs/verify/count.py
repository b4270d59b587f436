#!/usr/bin/env python3
"""Counts whether anything was lost.

    count.py EVENTS.json [MESSAGES]

EVENTS.json is the output of `az iot hub monitor-events --properties all --output json`, or of `wasm-on-edge simulate --json`.
MESSAGES is how many the sensor was told to send. The exit code is 0 where each of the sensor's messages that edgeHub took
came through, 1 where one is missing, 2 where that cannot be told.
"""
import collections
import json
import sys

MODULE, SENSOR, WINDOW = "wasmOnEdge", "SimulatedTemperatureSensor", 1000


def objects(text):
    """Yields the JSON objects of a text with other words between them."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            found, at = decoder.raw_decode(text, at)
            yield found
        except ValueError:
            at += 1
        at = text.find("{", at)


def message(found):
    """Returns module, properties, message id and body of an object, whichever of the two programs wrote it."""
    event = found.get("event")
    if event is None:
        properties = found.get("properties", {})
        return found.get("module"), properties, properties.get("$.mid"), found.get("body")
    properties = event.get("properties", {})
    module = event.get("module") or event.get("annotations", {}).get("iothub-connection-module-id")
    return module, properties.get("application", {}), properties.get("system", {}).get("message_id"), event.get("payload")


def number(properties):
    """Returns what makes the sensor's message the one it is."""
    return properties.get("batchId"), properties.get("sequenceNumber")


def average(body):
    """Returns how many values an average is of."""
    return (json.loads(body) if isinstance(body, str) else body)["count"]


def main(path, expected=None):
    reference, passed, dead = collections.Counter(), collections.Counter(), []
    averages, repeats = {}, 0
    with open(path, encoding="utf-8") as file:
        for found in objects(file.read()):
            module, properties, mid, body = message(found)
            kind, signal = properties.get("messageType"), properties.get("signal")
            if module == SENSOR:
                reference[number(properties)] += 1
            elif module == MODULE and kind == "deadletter":
                dead.append((number(properties), properties.get("deadletter-signal"), properties.get("deadletter-reason")))
            elif module == MODULE and signal == "passed":
                passed[number(properties)] += 1
            elif module == MODULE and signal == "averaged":
                repeats += mid in averages
                averages[mid] = average(body)
    missing = sorted(set(reference) - set(passed) - {n for n, signal, _ in dead if signal != "averaged"}, key=str)
    lacking = len(reference) - len(averages) - len({n for n, signal, _ in dead if signal != "passed"})
    wanted = [min(n, WINDOW) for n in range(1, len(averages) + 1)]
    print(f"sensor     {len(reference)} messages" + (f" of {expected}" if expected else ""))
    print(f"passed     {len(passed)}, {sum(passed.values()) - len(passed)} of them repeated; missing: {missing or 'none'}")
    print(f"averages   {len(averages)}, {repeats} of them repeated; missing: {max(lacking, 0) or 'none'}")
    print(f"state      {'each message counted once' if sorted(averages.values()) == wanted else 'NOT each message counted once'}")
    print(f"dead       {len(dead)} {collections.Counter(reason for _, _, reason in dead) or ''}")
    if not reference or expected and len(reference) < int(expected):
        print("The sensor's own messages are not all here: wait until edgeHub has delivered them, or listen from an earlier time.")
        return 2
    return 1 if missing or lacking > 0 or sorted(averages.values()) != wanted else 0


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
