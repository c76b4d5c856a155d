#!/usr/bin/env python3
"""What others say of the packages we write: every real package is read and written again by us (examples/rewrite),
then an independent decoder must find the expected rows in it, and Microsoft's DacFx must load it and read the same
rows out of it as out of the original.

Needs python3, the shared data (PACRAT_SHARED, else ../shared) and an installed DacFx (shared/dacfx/setup.sh).
"""
import concurrent.futures, json, os, pathlib, re, subprocess, sys, tempfile

from judge import ask, said_every_time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get('PACRAT_SHARED') or ROOT / '../shared').resolve()
DECODER = SHARED / 'tools/bcpdecode.py'
ORACLE = SHARED / 'dacfx/oracle.py'


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def judge(package, rewrite, work):
    """The complaints about one package."""
    again, bad = work / package.name, []
    code, out, err = run(rewrite, package, again, 200_000)
    if code:
        return [f'rewrite: {err or out}']
    code, out, err = run(sys.executable, DECODER, 'check', again)
    if code:
        bad.append(f'bcpdecode check: {out}{err}')
    code, out, err = run(sys.executable, DECODER, 'digest', again)
    expected = SHARED / 'bacpacs/expected' / (package.stem + '.json')
    if code or json.loads(out) != json.loads(expected.read_text()):
        bad.append(f'bcpdecode digest differs: {err}')
    bad += loads(package, again)
    rows = []
    for path in (package, again):
        answer = work / f'{path.stem}.{len(rows)}.json'
        code, out, err = ask(ORACLE, 'data', path, '--rows', 1_000_000, '--json', answer)
        if code:
            bad.append(f'DacFx data of {path}, exit code {code}: {out}{err}'[:4000])
            return bad
        rows.append(tables(json.loads(answer.read_text())))
    if rows[0] != rows[1]:
        bad.append(f'DacFx reads other rows: {difference(*rows)}')
    return bad


def loads(package, again):
    """The complaints about what DacFx says on loading: what it says of ours every time and of the original never. Their
    model.xml is the same, so there is nothing else to say; only an error is one in both."""
    def said(path):
        code, out, err = ask(ORACLE, 'load', path)
        lines = [line for line in out.replace(str(path), '').splitlines()]
        # The last line counts the errors that the lines before it name.
        lines = [re.sub(r'  errors: \d+$', '', line) for line in lines]
        return [f'DacFx load: {line}' for line in lines + ([f'exit code {code} {err}'] if code else [])]
    def of_the_original():
        return [line for line in said(package) if 'exit code' not in line]
    original = of_the_original()
    return said_every_time(lambda: [line for line in said(again) if line not in original], of_another=of_the_original)


def tables(answer):
    """DacFx's answer without the names of the parts, which are cut anew, and the order in which it read them."""
    return {name: dict(table, parts=None, rows=sorted(map(json.dumps, table['rows']))) for name, table in answer.items()}


def difference(a, b):
    keys = [k for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k)]
    return [(k, str(a.get(k))[:500], str(b.get(k))[:500]) for k in keys[:3]]


def main():
    subprocess.run(['cargo', 'build', '-q', '--locked', '--example', 'rewrite'], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get('CARGO_TARGET_DIR') or ROOT / 'target')
    rewrite = target / 'debug/examples/rewrite'
    packages = sorted((SHARED / 'bacpacs').glob('*.bacpac'))
    assert len(packages) == 20, packages
    failed = 0
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [(p, pool.submit(judge, p, rewrite, pathlib.Path(work))) for p in packages]
        for package, job in jobs:
            bad = job.result()
            failed += bool(bad)
            print('BAD' if bad else 'ok ', package.stem)
            for complaint in bad:
                print('    ' + complaint.replace('\n', '\n    '))
    print(f'{len(packages) - failed} of {len(packages)} packages, read and written again, are judged equal')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
