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
import collections, json, os, pathlib, re, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get('PACRAT_SHARED') or ROOT / '../shared').resolve()
PACRAT = os.environ.get('PACRAT') or str(ROOT / 'target/debug/pacrat')
sys.path.insert(0, str(SHARED / 'tools'))
import bcpdecode  # noqa: E402

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
    done = subprocess.run([str(SHARED / 'dacfx/oracle.py'), *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).strip()


# Kinds that a backup of a live database does not carry yet; each is named in the backup's remarks (`not_carried`).
NOT_CARRIED = {'Permission', 'ExtendedProperty', 'Role', 'RoleMembership', 'User', 'Login', 'Assembly', 'Certificate',
               'XmlSchemaCollection', 'TableType', 'TableTypeColumn', 'FullTextIndex', 'FullTextCatalog', 'Statistics',
               'UserDefinedServerRole', 'ColumnStoreIndex', 'XmlIndex', 'SpatialIndex', 'TableTypePrimaryKeyConstraint',
               'TableTypeIndex', 'TableTypeCheckConstraint', 'TableTypeDefaultConstraint', 'TableTypeUniqueConstraint'}


EXCUSED = collections.Counter()
COLUMNS = 'columns of views and table functions, which a model may leave out (golden/optional-parts.txt)'


def excused(line):
    """Why a difference is none of ours, or None. Short, and each with its reason."""
    if re.match(r'note: |\d+ objects vs \d+', line):
        return 'no difference'
    if line.startswith('! server version'):
        return 'the sandbox is SQL Server 2019, whatever the source was'
    if re.match(r'! DatabaseOptions .*\}: (?!children)', line):
        return "the target's own options: the restore's remarks name those that it does not set"
    if m := re.match(r'- only in [AB]: (\w+)', line):
        if m[1] in NOT_CARRIED:
            return f'{m[1]} is not carried yet'
    if 'children differ' in line:
        old, _, new = line.partition('children differ: ')[2].partition('] != [')
        child = r"\('(\w+)', '((?:[^'\\]|\\.)*)'\)"
        kinds = {kind for kind, _ in set(re.findall(child, old)) ^ set(re.findall(child, new))}
        if kinds and kinds <= NOT_CARRIED:
            return 'children of a kind that is not carried yet'
        if kinds and kinds <= NOT_CARRIED | {'Column'} and re.match(r'! (View|TableValuedFunction) ', line):
            return COLUMNS
    if re.match(r'- only in A: Column ', line) or re.search(r'only in A: \["Columns", "Composing"', line):
        # A column of a table that is missing is no small thing: DacFx would not load its data, nor would rows compare.
        return COLUMNS
    if m := re.search(r'relationship only in [AB]: \["(\w+)"', line):
        if m[1].endswith('Dependencies') or m[1] in ('DynamicObjects',):
            return 'DacFx finds dependencies again when it needs them (golden/optional-parts.txt)'
    return None


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
    code, text = oracle('load', new, '--quiet')
    # What it says of a good file: three lines, all of them known. Anything else is a message.
    said = [l for l in text.splitlines() if not re.match(r"(BacPackage|DacPackage)\.Load: ok|objects: \d+  server: \w+  errors: 0$", l)]
    if code or said:
        raise RuntimeError(f'DacFx load ({code}): {text[-600:]}')
    code, text = oracle('compare', source, new)
    lines = [] if code == 0 else text.splitlines()
    differences = [l for l in lines if not excused(l)]
    for reason in filter(None, map(excused, lines)):
        EXCUSED[reason] += 1
    if code not in (0, 1):
        raise RuntimeError(f'DacFx compare ({code}): {text[-600:]}')
    if differences:
        (home / 'compare.txt').write_text(text)
        raise RuntimeError(f'DacFx compare: {len(differences)} lines, such as: ' + ' | '.join(differences[:6])[:700])
    return verdict + f'  DacFx: loads, {"equal" if not lines else "equal but for what is excused"}', remarks


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
                sandbox = Sandbox(log)
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
    for reason, count in sorted(EXCUSED.items()):
        if reason != 'no difference':
            print(f'     excused {count:>5}: {reason}')
    print(f'{len(names) - bad} of {len(names)} good')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
