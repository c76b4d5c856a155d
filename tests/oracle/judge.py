"""DacFx as a judge, for the scripts beside this file: loaded once into the process, its answers as lines, and what of
them counts."""
import argparse, contextlib, io, json, re, runpy, sys


def load_oracle(path):
    """The functions of the oracle at `path` by name."""
    argv, sys.argv = sys.argv, [str(path)]
    try:
        oracle = runpy.run_path(str(path), run_name='oracle')
    finally:
        sys.argv = argv
    # One module: what is set here is set for all of its functions.
    names = oracle['cmd_build'].__globals__
    # It reads scripts with line ends folded; a module keeps its own.
    names['open'] = lambda f, *a, **k: open(f, *a, **(dict(k, newline='') if str(f).endswith('.sql') else k))
    walk = oracle['walk']

    def without_default_filegroup(model):
        """An export says which file group is the default one, and no script does: left out of the comparison, so that
        the other options are compared."""
        objects = walk(model)
        for o in objects:
            if o['type'] == 'DatabaseOptions':
                o['key'] = re.sub(r'DefaultFilegroup>\[PRIMARY\](, )?', '', o['key'])
                o['rels'] = [r for r in o['rels'] if 'DefaultFilegroup' not in json.dumps(r, default=str)]
        return objects
    names['walk'] = without_default_filegroup
    return oracle


def call(function, **arguments):
    """-> (exit code, what it printed: a line with what belongs to it)"""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            code = function(argparse.Namespace(**arguments))
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else 3
            print(e)
        except Exception as e:
            code = 3
            print('THREW', type(e).__name__, str(e)[:400])
    lines = []
    for line in out.getvalue().splitlines():
        if line.startswith('    ') and lines:
            lines[-1] += '\n' + line
        else:
            lines.append(line)
    return code, lines


def said_every_time(ask):
    """The complaints that `ask` gives back three times. DacFx's validation wavers: once in many runs it does not find the
    server's own views, or loses a message, in a file that it judges otherwise before and after."""
    said = ask()
    for _ in range(2):
        if not said:
            break
        again = ask()
        said = [line for line in said if line in again]
    return said
