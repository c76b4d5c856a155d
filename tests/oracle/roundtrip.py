#!/usr/bin/env python3
"""Every real package: restored into the sandbox, backed up again, and judged by others than pacrat.

  roundtrip.py [NAME…]

For each package: `pacrat restore` and `pacrat backup` against `pacrat sandbox` (another process); then the rows of both
files by bcpdecode.py (order aside: a server has none; rowversion columns aside: a server makes its own), and DacFx:
the new file loads without a message, and compares equal to the old one in the kinds that are compared.
Prints a table; the exit code says whether every line is good.

Needs python3, the shared data (PACRAT_SHARED, else ../shared), an installed DacFx (shared/dacfx/setup.sh) unless
ROUNDTRIP_WITHOUT_DACFX is set, and the binary (PACRAT, else target/debug/pacrat).
"""
import ast, collections, json, os, pathlib, re, signal, subprocess, sys, tempfile, time, zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get('PACRAT_SHARED') or ROOT / '../shared').resolve()
PACRAT = os.environ.get('PACRAT') or str(ROOT / 'target/debug/pacrat')
sys.path.insert(0, str(SHARED / 'tools'))
import bcpdecode  # noqa: E402
from judge import ask, said_every_time  # noqa: E402

bcpdecode.make_canonical()
# Passwords go by the environment: the list of processes is for everybody.
ENVIRONMENT = dict(os.environ, BOX_PASSWORD='Rat-and-tail-7')


def rows(path):
    """{table: counter of canonical lines}, rowversion columns left out."""
    package = bcpdecode.Package(path)
    found, missing = package.match()
    assert not missing, f'{path}: data that belongs to no table: {missing}'
    tables = {}
    for folder, table in found.items():
        keep = [i for i, c in enumerate(c for c in table.cols if bcpdecode.in_stream(table, c))
                if c.base not in ('rowversion', 'timestamp')]
        lines = collections.Counter()
        for line in bcpdecode.canonical_lines(package, folder, table):
            cells = json.loads(line)
            lines[json.dumps([cells[i] for i in keep])] += 1
        tables['.'.join(bcpdecode.split_name(table.name))] = lines
    return tables


def compare_rows(old, new):
    for table in sorted(old.keys() | new.keys()):
        a, b = old.get(table, collections.Counter()), new.get(table, collections.Counter())
        if a != b:
            lost, added = a - b, b - a
            sample = next(iter(lost or added))
            return f'{table}: {sum(lost.values())} rows lost, {sum(added.values())} added, such as {sample[:200]}'
    return None


def oracle(*arguments):
    code, out, err = ask(SHARED / 'dacfx/oracle.py', *arguments)
    return code, (out + err).strip()


class Sandbox:
    """A `pacrat sandbox` on a free port."""

    def __init__(self, log, *arguments):
        self.process = subprocess.Popen(
            [PACRAT, 'sandbox', '--listen', '127.0.0.1:0', '--login', 'operator:@BOX_PASSWORD', '--json', *arguments],
            stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRONMENT)
        line = self.process.stdout.readline()
        self.port = int(json.loads(line)['address'].rsplit(':', 1)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


# The version that a sandbox presents: that of the server that the package comes from.
PLATFORMS = {'Sql130': '2016', 'Sql140': '2017', 'Sql150': '2019', 'Sql160': '2022', 'Sql170': '2025', 'SqlAzureV12': 'azure'}


def loaded(package):
    """What DacFx complains of when it loads a package."""
    code, text = oracle('load', package, '--quiet')
    # What it says of a good file: three lines, all of them known. Anything else is a message.
    known = r"note: .* judged as Sql150$|(BacPackage|DacPackage)\.Load: ok|objects: \d+  server: \w+  errors: 0$"
    said = [l for l in text.splitlines() if not re.match(known, l)]
    return said + (['load ended with %d' % code] if code else [])


def version_of(name):
    with zipfile.ZipFile(SHARED / 'bacpacs' / f'{name}.bacpac') as z, z.open('model.xml') as f:
        dsp = re.search(rb'DspName="[^"]*\.(\w+)DatabaseSchemaProvider"', f.read(4096))[1].decode()
    return PLATFORMS.get(dsp, '2019')


def one(name, work, sandbox):
    source = SHARED / 'bacpacs' / f'{name}.bacpac'
    home = work / name
    (home / 'store').mkdir(parents=True)
    config = home / 'config.toml'
    config.write_text(f'''
data_dir = "data"
[servers.box]
host = "127.0.0.1"
port = {sandbox.port}
login = "operator"
password_env = "BOX_PASSWORD"
trust_certificate = true
[tenants."{name}"]
server = "box"
[stores.here]
path = "store"
''')
    def pacrat(*arguments):
        done = subprocess.run([PACRAT, '--config', str(config), *arguments], capture_output=True, text=True, env=ENVIRONMENT)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        ended = [e['what'] for e in events if 'what' in e and e['what']['event'] == 'ended']
        if done.returncode or not ended:
            failure = (ended[-1].get('failure') if ended else None) or (events[-1].get('error') if events else None)
            text = [failure['message'], *failure['causes']] if failure else [done.stderr.strip()[-400:]]
            raise RuntimeError(f'{arguments[0]} (exit {done.returncode}): ' + ' / '.join(text)[:900])
        return ended[-1]['summary']

    began = time.time()
    restored = pacrat('--json', 'restore', str(source), '--to', 'box', '--database', name)
    between = time.time()
    backed = pacrat('--json', 'backup', name)
    after = time.time()
    new = home / 'store' / backed['file']
    difference = compare_rows(rows(source), rows(new))
    if difference:
        raise RuntimeError('rows: ' + difference)
    remarks = restored['remarks'] + backed['remarks']
    verdict = f"{backed['rows']:>8} rows  restore {between - began:5.1f} s  backup {after - between:5.1f} s  remarks {len(remarks):>3}"
    if os.environ.get('ROUNDTRIP_WITHOUT_DACFX'):
        return verdict + '  DacFx not asked', remarks
    said = said_every_time(lambda: loaded(new))
    if said:
        raise RuntimeError('DacFx load: ' + ' | '.join(said)[:900])
    code, text = oracle('compare', source, new)
    if code not in (0, 1):
        raise RuntimeError(f'DacFx compare ({code}): {text[-600:]}')
    if os.environ.get('ROUNDTRIP_COMPARE'):
        print(text)
    differences, aside = judge(text, version_of(name) == 'azure')
    if differences:
        (home / 'compare.txt').write_text(text)
        raise RuntimeError(f'DacFx compare: {len(differences)} differences, such as: ' + ' | '.join(differences[:6])[:900])
    set_aside = ', '.join(f'{n} {kind}' for kind, n in sorted(aside.items()))
    return verdict + '  DacFx: loads, equal' + (f' (aside: {set_aside})' if set_aside else ''), remarks


# The query store is off in these: a restore leaves its settings as a new database has them.
QUERY_STORE = ('QueryStoreCaptureMode', 'QueryStoreMaxStorageSize', 'QueryStoreStaleQueryThreshold')
# On Azure only: chosen when a database is made (packages of older writers do not have it); on in every new database.
AZURE_OPTIONS = ('CatalogCollation', 'WithEncryption')
# What every new database grants to everybody, whether the package says so or not.
OF_NEW_DATABASES = re.compile(r'\[Grant\.ViewAnyColumn(EncryptionKey|MasterKey)Definition\.Database\]\.\[public\]\.\[dbo\]$')


def judge(text, azure):
    """The differences that count, and the others by what they are."""
    differences, aside = [], collections.Counter()
    for line in text.splitlines():
        if m := re.match(r'([-+]) only in [AB]: (\w+) (.*)', line):
            sign, kind, name = m.groups()
            if sign == '+' and OF_NEW_DATABASES.match(name):
                aside['grant of every new database'] += 1
            elif kind == 'Column' and sign == '-' and name.count('].[') == 2:
                # DacFx works the columns of views and functions out. One that is missing from a table is told by the
                # table's own children, too, which then differ.
                aside['Column of a module'] += 1
            else:
                differences.append(line)
        elif m := re.match(r'! .*: relationship only in [AB]: \["(\w+)"', line):
            # What refers to what inside a text: optional in a model, DacFx works it out.
            if m[1] in ('ExpressionDependencies', 'BodyDependencies') and 'only in A' in line:
                aside['dependency'] += 1
            elif m[1] == 'Columns' and not line.startswith('! Table '):
                aside['Column of a module'] += 1
            else:
                differences.append(line)
        elif re.match(r'! (View|Procedure|\w*Function|DmlTrigger|Column) .*: relationship order differs$', line):
            # DacFx comes by the parts of a statement in an order of its own.
            aside['order of dependencies'] += 1
        elif m := re.match(r'! .*: children differ: (\[.*\]) != (\[.*\])$', line):
            known = () if line.startswith('! Table ') else ('Column',)
            kept = [[c for c in ast.literal_eval(side) if c[0] not in known and not OF_NEW_DATABASES.match(c[1])]
                    for side in m.groups()]
            if kept[0] != kept[1]:
                differences.append(line)
        elif m := re.match(r'! DatabaseOptions .*: (\w+): .* != .*', line):
            if m[1] in QUERY_STORE or (azure and m[1] in AZURE_OPTIONS):
                aside[m[1]] += 1
            else:
                differences.append(line)
        elif not re.match(r'(note:.*judged as|! server version|\d+ objects vs)', line):
            differences.append(line)
    return differences, aside


def main():
    if not (SHARED / 'bacpacs').is_dir():
        print('SKIPPED: roundtrip.py needs ../shared')
        return 0
    names = sys.argv[1:] or sorted(p.stem for p in (SHARED / 'bacpacs').glob('*.bacpac'))
    bad = 0
    with tempfile.TemporaryDirectory(prefix='pacrat-roundtrip-') as folder:
        work = pathlib.Path(os.environ.get('ROUNDTRIP_KEEP') or folder)
        with open(work / 'sandbox.log', 'w') as log:
            for name in names:
                sandbox = Sandbox(log, '--as', version_of(name))
                try:
                    verdict, remarks = one(name, work, sandbox)
                    print(f'ok   {name:<26} {verdict}', flush=True)
                    for remark in remarks if os.environ.get('ROUNDTRIP_REMARKS') else []:
                        print(f'       {remark}')
                except (RuntimeError, AssertionError, bcpdecode.BcpError) as e:
                    bad += 1
                    print(f'BAD  {name:<26} {e}', flush=True)
                finally:
                    sandbox.stop()
    print(f'{len(names) - bad} of {len(names)} good')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
