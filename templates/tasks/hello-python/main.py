"""Greets somebody: the smallest complete task in Python, standard library only."""

import json
import os
import sys

# Status that asks for another try later, for example while a service is busy.
RETRY_LATER = 75


class RetryLater(Exception):
    pass


def init(context):
    """`context` holds runId, step, attempt, idempotencyKey, workingDirectory and more; secrets are environment variables."""
    return {"attempt": context["attempt"]}


def validate(given):
    """Maestro has held the input to the manifest's schema already: here stands what a schema cannot say."""
    if not given["name"].strip():
        raise ValueError("expected a name, got white space")
    return given


def execute(task, given):
    if given["name"] == "nobody yet" and task["attempt"] == 1:
        raise RetryLater("nobody is here yet")
    print(f"greeting {given['name']}, attempt {task['attempt']}", flush=True)
    emit({"type": "annotation", "level": "notice", "message": f"greeted {given['name']}"})
    return {"greeting": f"Hello, {given['name']}!"}


def emit(event):
    """Each event is one line of JSON."""
    with open(os.environ["MAESTRO_EVENTS"], "a", encoding="utf-8") as events:
        events.write(json.dumps(event) + "\n")


def read(variable):
    with open(os.environ[variable], encoding="utf-8") as file:
        return json.load(file)


def main():
    try:
        task = init(read("MAESTRO_CONTEXT"))
        given = validate(read("MAESTRO_INPUT"))
        outputs = execute(task, given)
        with open(os.environ["MAESTRO_OUTPUT"], "w", encoding="utf-8") as file:
            json.dump(outputs, file)
    except RetryLater as error:
        print(error, file=sys.stderr)
        return RETRY_LATER
    except Exception as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
