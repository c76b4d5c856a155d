"""DacFx as a judge, for the scripts beside this file: loaded once into the process, its answers as lines, and what of
them counts."""
import argparse, contextlib, glob, io, itertools, json, os, re, runpy, subprocess, sys

# Scripts of what no package of the shared data has.
CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus')

# Every assembly, a good one too, is "corrupt or not valid" to a DacFx that has no .NET Framework beside it.
NOT_JUDGED = 'VALIDATE-ERROR SQL70557'

PROCESSORS = itertools.cycle(sorted(os.sched_getaffinity(0)))


def on_one_processor():
    """From here on this process has one processor. DacFx validates a model on as many threads as
    there are processors, and on more than one its answer is a matter of luck: of 24 runs over one untouched package two
    told of an error, and of 124 on one processor none."""
    os.sched_setaffinity(0, {next(PROCESSORS)})


def ask(oracle, *arguments):
    """Runs the oracle as a process of its own, on one processor. -> (exit code, what it printed, what it printed as errors)"""
    alone = ['taskset', '--cpu-list', str(next(PROCESSORS))]
    done = subprocess.run([*alone, sys.executable, str(oracle), *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def load_oracle(path):
    """The functions of the oracle at `path` by name; from here on this process has one processor."""
    on_one_processor()
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


def build(oracle, script, out):
    """A package of a script, made by DacFx. -> (whether it found an error, what it printed)"""
    code, lines = call(oracle['cmd_build'], script=script, out=out, version=None, name=None, desc=None, option=[], ignore=[])
    lines = [l for l in lines if not l.startswith(NOT_JUDGED)]
    return code > 1 or code == 1 and any('ERROR' in l for l in lines), lines


def corpus(oracle, folder, names=None):
    """The packages that DacFx makes of the scripts of the corpus, in a folder; of all of them, or of these."""
    packages = []
    for script in sorted(glob.glob(os.path.join(CORPUS, '*.sql'))):
        name = os.path.basename(script)[:-len('.sql')]
        if names is None or name in names:
            packages.append(os.path.join(folder, name + '.dacpac'))
            complained, lines = build(oracle, script, packages[-1])
            if complained:
                raise SystemExit('%s: %s' % (script, lines))
    return packages


def said_every_time(ask, of_another=None):
    """The complaints that `ask` gives back three times and `of_another`, where there is one, never. DacFx's validation
    wavered before it had one processor only: once in many runs it did not find the server's own views, or lost a message,
    in a file that it judged otherwise before and after. What is true of a file is said of it every time."""
    said = ask()
    for _ in range(2):
        if not said:
            break
        if of_another:
            excused = of_another()
            said = [line for line in said if line not in excused]
        again = ask()
        said = [line for line in said if line in again]
    return said
