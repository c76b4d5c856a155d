#!/usr/bin/env python3
"""The catalogue reader, judged by DacFx: golden package -> our script -> sandbox -> `pacrat backup` -> DacFx.

  live.py [--show] [NAME…]

For each golden package of shared/dacfx: a database of a `pacrat sandbox` is made by our own script of the package
(examples/livetool.rs runs it batch by batch), backed up with `pacrat backup`, and DacFx says whether the new package
loads without a message and equals the golden one. The databases have no rows, so the exports hold a schema and nothing
else; they are bacpacs all the same.

A difference counts unless it stands in the list below with its reason; one that stands there and does not occur fails,
too, so that the list can only shrink. Prints a table kind x result; exit code 1 if anything is wrong.

Needs python3, the shared data (PACRAT_SHARED, else ../shared), an installed DacFx, and the binary (PACRAT, else
target/debug/pacrat). Skips (exit 0, with a line on stderr) where the data or DacFx is not at hand.
"""
import glob, io, json, os, pathlib, re, signal, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED = pathlib.Path(os.environ.get('PACRAT_SHARED') or ROOT / '../shared').resolve()
ORACLE = SHARED / 'dacfx/oracle.py'
HOME = os.environ.get('DACFX_HOME') or os.path.expanduser('~/.cache/dacfx')
TARGET = pathlib.Path(os.environ.get('CARGO_TARGET_DIR') or ROOT / 'target') / 'debug'
PACRAT = os.environ.get('PACRAT') or str(TARGET / 'pacrat')
TOOL = str(TARGET / 'examples/livetool')

if not ORACLE.exists() or not os.path.exists(HOME + '/venv/bin/python'):
    print('SKIPPED: tests/oracle/live.py needs ../shared and an installed DacFx', file=sys.stderr)
    sys.exit(0)
if not os.environ.get('DACFX_ENV'):
    subprocess.check_call(['cargo', 'build', '-q', '--example', 'livetool'], cwd=ROOT)
    env = dict(os.environ, DACFX_ENV='1', TZ='UTC', LD_LIBRARY_PATH=HOME + '/ssl11/usr/lib/x86_64-linux-gnu',
               DOTNET_ROOT=glob.glob(HOME + '/venv/lib/python3*/site-packages/dotnetcore2/bin')[0])
    os.execve(HOME + '/venv/bin/python', [HOME + '/venv/bin/python', os.path.abspath(__file__)] + sys.argv[1:], env)

# Passwords go by the environment: the list of processes is for everybody.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != 'LD_LIBRARY_PATH'} | {'BOX_PASSWORD': 'Rat-and-tail-7'}

# (package, line, reason). Both patterns are searched for.
EXCEPTIONS = [
]


class Sandbox:
    """A `pacrat sandbox` on a free port."""

    def __init__(self, log):
        self.process = subprocess.Popen(
            [PACRAT, 'sandbox', '--listen', '127.0.0.1:0', '--login', 'operator:@BOX_PASSWORD', '--json'],
            stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRONMENT)
        self.port = int(json.loads(self.process.stdout.readline())['address'].rsplit(':', 1)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def oracle_module():
    import runpy
    argv, sys.argv = sys.argv, [str(ORACLE)]
    try:
        return runpy.run_path(str(ORACLE), run_name='oracle')
    finally:
        sys.argv = argv


def call(function, **arguments):
    """-> (exit code, differences: a line with what belongs to it)"""
    import argparse, contextlib
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


def configuration(home, port, names):
    tenants = ''.join(f'[tenants."{n}"]\nserver = "box"\ndatabase = "{n}"\n' for n in names)
    path = home / 'config.toml'
    path.write_text(f'''
data_dir = "data"
[servers.box]
host = "127.0.0.1"
port = {port}
login = "operator"
password_env = "BOX_PASSWORD"
trust_certificate = true
{tenants}
[stores.here]
path = "store"
''')
    (home / 'store').mkdir()
    return path


def backup(config, name):
    done = subprocess.run([PACRAT, '--config', str(config), '--json', 'backup', name],
                          capture_output=True, text=True, env=ENVIRONMENT)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ended = [e['what'] for e in events if 'what' in e and e['what']['event'] == 'ended']
    if done.returncode or not ended:
        failure = (ended[-1].get('failure') if ended else None) or (events[-1].get('error') if events else None)
        text = [failure['message'], *failure['causes']] if failure else [done.stderr.strip()[-400:]]
        return None, 'backup: ' + ' / '.join(text)
    return ended[-1]['summary']['file'], None


def main():
    show = '--show' in sys.argv
    wanted = [a for a in sys.argv[1:] if not a.startswith('--')]
    oracle = oracle_module()
    names = sorted(p.stem for p in (SHARED / 'dacfx/golden').glob('*.dacpac'))
    names = [n for n in names if not wanted or any(w in n for w in wanted)]
    table, failed, used = {}, 0, set()
    with tempfile.TemporaryDirectory(prefix='pacrat-live-') as folder:
        home = pathlib.Path(os.environ.get('LIVE_KEEP') or folder)
        with open(home / 'sandbox.log', 'w') as log:
            sandbox = Sandbox(log)
            try:
                config = configuration(home, sandbox.port, names)
                for name in names:
                    problems = one(oracle, home, config, sandbox, name)
                    kinds = {}
                    for line in problems:
                        at = next((i for i, (p, l, _) in enumerate(EXCEPTIONS)
                                   if re.search(p, name) and re.search(l, line, re.S)), None)
                        if at is not None:
                            used.add(at)
                            continue
                        failed += 1
                        print(f'{name}: {line[:1200]}', flush=True)
                        m = re.match(r'(?:! |- only in A: |\+ only in B: )(\w+)', line)
                        kinds[m.group(1) if m else line.split(':')[0]] = 1
                    objects = home / 'objects.json'
                    call(oracle['cmd_load'], file=str(SHARED / f'dacfx/golden/{name}.dacpac'), json=str(objects), quiet=True, lax=True)
                    for o in json.loads(objects.read_text()):
                        table.setdefault(o['type'], [0, 0])[0] += 1
                    for kind in kinds:
                        table.setdefault(kind, [0, 0])[1] += 1
            finally:
                sandbox.stop()
    print('%-40s %8s %s' % ('kind', 'objects', 'packages with differences'))
    for kind in sorted(table):
        print('%-40s %8d %s' % (kind, table[kind][0], table[kind][1] or 'none'))
    if not wanted:
        for at, (package, line, reason) in enumerate(EXCEPTIONS):
            if at not in used:
                failed += 1
                print(f'an exception is not used: {package!r} {line!r} ({reason})')
    print('%d packages, %d differences, %d exceptions' % (len(names), failed, len(EXCEPTIONS)))
    return 1 if failed else 0


def one(oracle, home, config, sandbox, name):
    golden = str(SHARED / f'dacfx/golden/{name}.dacpac')
    applied = subprocess.run([TOOL, 'apply', golden, f'127.0.0.1:{sandbox.port}', name],
                             capture_output=True, text=True, env=ENVIRONMENT)
    problems = ['apply: ' + l for l in applied.stdout.splitlines()]
    if applied.returncode:
        return problems + ['apply: ' + applied.stderr.strip()[-600:]]
    file, failure = backup(config, name)
    if failure:
        return problems + [failure]
    new = str(home / 'store' / file)
    code, lines = call(oracle['cmd_load'], file=new, json=None, quiet=True, lax=False)
    known = r'(BacPackage|DacPackage)\.Load: ok|objects: \d+  server: \w+  errors: 0$'
    problems += ['load: ' + l for l in lines if not re.match(known, l)]
    if code:
        return problems
    manifest = json.loads(pathlib.Path(new + '.json').read_text())
    problems += ['not carried: ' + l for l in manifest['not_carried']]
    code, lines = call(oracle['cmd_compare'], a=golden, b=new, ignore_prop=[], schema_compare=False, no_scripts=True)
    problems += [l for l in lines if not re.match(r'\d+ objects vs|! server version', l)]
    if code > 1:
        problems.append('compare ended with %d' % code)
    return problems


sys.exit(main())
