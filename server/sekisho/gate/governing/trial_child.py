"""The child process in which a policy is tried. It imports nothing of Sekisho and is run by path, isolated.

Standard input is one JSON object: the policy, and the steps to take. Standard output is one JSON object per line: the
name of a step when it begins, and what came of it. A policy that loops, eats the memory or overflows the stack takes
this process along and no other; whoever started it knows the step from the last line.
"""

import json
import os
import resource
import sys
from typing import Any, TextIO


def tell(sink: TextIO, **said: Any) -> None:
    sink.write(json.dumps(said) + "\n")
    sink.flush()


def engine_of(files: dict[str, str], data: Any) -> Any:
    import regorus

    engine: Any = regorus.Engine()
    for path, text in files.items():
        engine.add_policy(path, text)
    engine.add_data_json(json.dumps(data))
    return engine


def serve(asked: dict[str, Any], sink: TextIO) -> None:
    engines = {
        "policy": engine_of(asked["files"], asked["data"]),
        "tests": engine_of({**asked["files"], **asked["tests"]}, asked["data"]),
    }
    for step in asked["steps"]:
        tell(sink, begin=step["name"])
        try:
            query = engines[step["engine"]].clone()
            if "input_rule" in step:
                query.set_input_json(engines["tests"].clone().eval_rule_as_json(step["input_rule"]))
            elif "input" in step:
                query.set_input_json(json.dumps(step["input"]))
            tell(sink, name=step["name"], answer=query.eval_rule_as_json(step["rule"]))
        except BaseException as error:
            tell(sink, name=step["name"], error=str(error).strip()[:2000])


def main() -> None:
    asked = json.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (asked["memory"], asked["memory"]))
    # Results go out on a private descriptor: a stray print of the engine must not tear them.
    sink = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    tell(sink, begin="compile")
    try:
        serve(asked, sink)
    except BaseException as error:
        tell(sink, name="compile", error=str(error).strip()[:2000])


if __name__ == "__main__":
    main()
