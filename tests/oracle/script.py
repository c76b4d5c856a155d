#!/usr/bin/env python3
"""DacFx judges our scripts: package -> our model -> our T-SQL -> DacFx builds a package of it -> compare with the original.

    tests/oracle/script.py [--typed|--script] [--show] [NAME...]

Two things are judged, or only the one asked for: the model.xml that our types write (--typed: loaded and compared),
and the script (--script).
Prints a table kind x result and the differences that are not among the exceptions below; exit code 1 if there are any.
Skips (exit 0, with a line on stderr) where ../shared or DacFx is not at hand.
"""
import contextlib, glob, io, json, os, re, shutil, subprocess, sys, tempfile, zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHARED = os.environ.get('PACRAT_SHARED') or os.path.join(ROOT, '..', 'shared')
ORACLE = os.path.join(SHARED, 'dacfx', 'oracle.py')
HOME = os.environ.get('DACFX_HOME') or os.path.expanduser('~/.cache/dacfx')

if not os.path.exists(ORACLE) or not os.path.exists(HOME + '/venv/bin/python'):
    print('SKIPPED: tests/oracle/script.py needs ../shared and an installed DacFx', file=sys.stderr)
    sys.exit(0)
if not os.environ.get('DACFX_ENV'):
    subprocess.check_call(['cargo', 'build', '-q', '--example', 'modeltool'], cwd=ROOT)
    env = dict(os.environ, DACFX_ENV='1', TZ='UTC', LD_LIBRARY_PATH=HOME + '/ssl11/usr/lib/x86_64-linux-gnu',
               DOTNET_ROOT=glob.glob(HOME + '/venv/lib/python3*/site-packages/dotnetcore2/bin')[0])
    os.execve(HOME + '/venv/bin/python', [HOME + '/venv/bin/python', os.path.abspath(__file__)] + sys.argv[1:], env)

TOOL = os.path.join(os.environ.get('CARGO_TARGET_DIR') or os.path.join(ROOT, 'target'), 'debug', 'examples', 'modeltool')

# (file pattern, line pattern, reason): differences that are DacFx's own doing.
EXCEPTIONS = [
    (r'bacpac$', r'relationship only in A: .*"<unresolved>", "(\[sys\]|\[INFORMATION_SCHEMA\]|\[dbo\]\.\[sp_executesql\])',
     'an export names system objects that the reader of a script does not know without the master database'),
    (r'', r'DatabaseOptions .*: CatalogCollation: None != 0', 'the reader of a script always sets it; packages of older writers do not have it'),
    (r'', r'DatabaseOptions .*: TemporalHistoryRetentionEnabled: False != True', 'the reader of a script has no such option'),
]


def load_oracle():
    import runpy
    argv, sys.argv = sys.argv, [ORACLE]
    try:
        oracle = runpy.run_path(ORACLE, run_name='oracle')
    finally:
        sys.argv = argv
    # It reads scripts with line ends folded; a module keeps its own.
    oracle['cmd_build'].__globals__['open'] = lambda f, *a, **k: open(f, *a, **(dict(k, newline='') if str(f).endswith('.sql') else k))
    # No script says which file group is the default one: left out of the comparison, so that the options are compared.
    walk = oracle['walk']

    def without_default_filegroup(model):
        objects = walk(model)
        for o in objects:
            if o['type'] == 'DatabaseOptions':
                o['key'] = re.sub(r'DefaultFilegroup>\[PRIMARY\](, )?', '', o['key'])
                o['rels'] = [r for r in o['rels'] if 'DefaultFilegroup' not in json.dumps(r, default=str)]
        return objects
    oracle['cmd_build'].__globals__['walk'] = without_default_filegroup
    return oracle


def call(function, **arguments):
    """-> (exit code, lines)"""
    import argparse
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


def retyped(package, out):
    """the package with the model.xml that our types write"""
    xml = out + '.xml'
    subprocess.check_call([TOOL, 'model', package, xml])
    import hashlib
    model = open(xml, 'rb').read()
    digest = hashlib.sha256(model).hexdigest().upper()
    with zipfile.ZipFile(package) as z, zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as w:
        for name in z.namelist():
            data = z.read(name)
            if name == 'model.xml':
                data = model
            elif name == 'Origin.xml':
                data = re.sub(rb'(<Checksum Uri="/model.xml">)[0-9A-F]+', rb'\g<1>' + digest.encode(), data)
            w.writestr(name, data)


def main():
    arguments = sys.argv[1:]
    wanted = [a for a in arguments if not a.startswith('--')]
    oracle, worst = load_oracle(), 0
    for typed in (True, False):
        if '--typed' in arguments and not typed or '--script' in arguments and typed:
            continue
        print('== %s' % ('model.xml as our types write it' if typed else 'T-SQL'))
        worst = max(worst, judge(oracle, typed, '--show' in arguments, wanted))
    return worst


def judge(oracle, typed, show, wanted):
    packages = []
    for folder in ('bacpacs', 'dacpacs', 'dacfx/golden'):
        packages += sorted(glob.glob(os.path.join(SHARED, folder, '*.[bd]acpac')))
    if wanted:
        packages = [p for p in packages if any(w in p for w in wanted)]
    table, failed, excused, copies = {}, 0, 0, []
    with tempfile.TemporaryDirectory() as tmp:
        for package in packages:
            name = os.path.basename(package)
            problems = []
            # A version that this DacFx does not know is judged as the last one it knows.
            package = oracle['as_known_version'](package, copies)
            if typed:
                out = os.path.join(tmp, name)
                retyped(package, out)
                code, lines = call(oracle['cmd_load'], file=out, json=None, quiet=True, lax=False)
                # Some packages have messages of their own.
                _, before = call(oracle['cmd_load'], file=package, json=None, quiet=True, lax=False)
                problems += ['load: ' + l for l in lines if l not in before]
            else:
                script, out = os.path.join(tmp, 'script.sql'), os.path.join(tmp, name + '.dacpac')
                left = subprocess.run([TOOL, 'dacfx', package, script], check=True, capture_output=True, text=True).stdout
                problems += left.splitlines()
                code, lines = call(oracle['cmd_build'], script=script, out=out, version=None, name=None, desc=None, option=[], ignore=[])
                if code:
                    problems += ['build: ' + l for l in lines]
                if show:
                    print(open(script).read())
            if os.path.exists(out):
                code, lines = call(oracle['cmd_compare'], a=package, b=out, ignore_prop=[], schema_compare=False, no_scripts=False)
                problems += [l for l in lines if not re.match(r'\d+ objects vs|! server version', l)]
                if code > 1:
                    problems.append('compare ended with %d' % code)
            kinds = {}
            for line in problems:
                excuse = next((r for f, l, r in EXCEPTIONS if re.search(f, name) and re.search(l, line, re.S)), None)
                if excuse:
                    excused += 1
                    continue
                failed += 1
                print('%s: %s' % (name, line[:900]))
                m = re.match(r'(?:! |- only in A: |\+ only in B: )(\w+)', line)
                kinds[m.group(1) if m else line.split(':')[0]] = 1
            call(oracle['cmd_load'], file=package, json=os.path.join(tmp, 'o.json'), quiet=True, lax=True)
            for o in json.load(open(os.path.join(tmp, 'o.json'))):
                row = table.setdefault(o['type'], [0, 0])
                row[0] += 1
            for kind in kinds:
                table.setdefault(kind, [0, 0])[1] += 1
    for copy in copies:
        shutil.rmtree(copy, ignore_errors=True)
    print('%-40s %8s %s' % ('kind', 'objects', 'packages with differences'))
    for kind in sorted(table):
        print('%-40s %8d %s' % (kind, table[kind][0], table[kind][1] or 'none'))
    print('%d packages, %d differences, %d excused' % (len(packages), failed, excused))
    return 1 if failed else 0


sys.exit(main())
