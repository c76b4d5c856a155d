#!/usr/bin/env python3
"""What others say of every type at its extremes: the rows that went over the wire into the sandbox and came out again
(tests/extremes.rs, which compares them with what a person wrote down) are kept as a package; an independent decoder
must read every byte of it, and Microsoft's DacFx must load it and read the same values out of it.

Needs python3, cargo, the shared data (PACRAT_SHARED, else ../shared) and an installed DacFx (shared/dacfx/setup.sh).
"""
import datetime, json, os, pathlib, re, struct, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get('PACRAT_SHARED') or ROOT / '../shared').resolve()
DECODER = SHARED / 'tools/bcpdecode.py'
ORACLE = SHARED / 'dacfx/oracle.py'
HALF = re.compile('[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]')
MOMENT = re.compile(r'(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{7})(?:([+-])(\d\d):(\d\d))?$')


def run(*args, **more):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, **more)
    return done.returncode, done.stdout, done.stderr


def clock(value):
    return value if '.' in value else value + '.0000000'


def canonical(kind, value):
    """A value as DacFx tells it, in the decoder's canonical text."""
    if value is None:
        return None
    value = str(value)
    if kind == 'bit':
        return str(int(value == 'True'))
    if kind == 'real':
        return struct.pack('>f', float(value)).hex().upper()
    if kind == 'float':
        return struct.pack('>d', float(value)).hex().upper()
    if kind == 'date':
        return value.removesuffix('T00:00:00.0000000')
    if kind == 'smalldatetime':
        return value.removesuffix(':00.0000000')
    if kind == 'time':
        return clock(value)
    if kind == 'datetime':
        day, h, m, s, fraction, *_ = MOMENT.match(value).groups()
        ticks = ((int(h) * 60 + int(m)) * 60 + int(s)) * 300 + round(int(fraction) * 300 / 10**7)
        return f'{day}T{ticks}'
    if kind == 'datetimeoffset':
        day, h, m, s, fraction, sign, oh, om = MOMENT.match(value).groups()
        offset = (int(oh) * 60 + int(om)) * (-1 if sign == '-' else 1)
        # Python's calendar ends where the type's does, and an instant's local time may lie outside: minutes by hand.
        minutes = datetime.date.fromisoformat(day).toordinal() * 1440 + int(h) * 60 + int(m) - offset
        day = datetime.date.fromordinal(minutes // 1440).isoformat()
        return f'{day}T{minutes // 60 % 24:02}:{minutes % 60:02}:{s}.{fraction}Z{offset:+}'
    if kind == 'uniqueidentifier':
        return value.upper()
    return value


def variant(text):
    """The type and the canonical text of a sql_variant's bytes."""
    b = bytes.fromhex(text[2:])
    props, data = b[2:2 + b[1]], b[2 + b[1]:]
    number = lambda n: str(int.from_bytes(data[:n], 'little', signed=True))
    scaled = lambda v, s: ('-' if v < 0 else '') + (lambda d: d[:-s] + '.' + d[-s:] if s else d)(str(abs(v)).zfill(s + 1))
    day = lambda d: (datetime.date(1, 1, 1) + datetime.timedelta(int.from_bytes(d, 'little'))).isoformat()
    def of_day(d):
        t = int.from_bytes(d, 'little')
        s = t // 10**7
        return f'{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.{t % 10**7:07}'
    since = lambda d: datetime.date(1900, 1, 1) + datetime.timedelta(d)
    return {
        0x32: lambda: ('bit', number(1)),
        0x30: lambda: ('tinyint', str(data[0])),
        0x34: lambda: ('smallint', number(2)),
        0x38: lambda: ('int', number(4)),
        0x7F: lambda: ('bigint', number(8)),
        0x3B: lambda: ('real', data[::-1].hex().upper()),
        0x3E: lambda: ('float', data[::-1].hex().upper()),
        0x7A: lambda: ('smallmoney', scaled(int(number(4)), 4)),
        0x3C: lambda: ('money', scaled(struct.unpack('<i', data[:4])[0] << 32 | struct.unpack('<I', data[4:])[0], 4)),
        0x24: lambda: ('uniqueidentifier', '-'.join(
            (data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:]).hex().upper()[a:z]
            for a, z in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))),
        0x28: lambda: ('date', day(data)),
        0x3D: lambda: ('datetime', f'{since(int(number(4)))}T{int.from_bytes(data[4:], "little")}'),
        0x3A: lambda: ('smalldatetime', f'{since(data[0] | data[1] << 8)}T{(data[2] | data[3] << 8) // 60:02}:'
                                        f'{(data[2] | data[3] << 8) % 60:02}'),
        0x6A: lambda: ('decimal', scaled(int.from_bytes(data[-16:], 'little') * (1 if data[-17] else -1), props[1])),
        0x29: lambda: ('time', of_day(data)),
        0x2A: lambda: ('datetime2', f'{day(data[5:])}T{of_day(data[:5])}'),
        0x2B: lambda: ('datetimeoffset', f'{day(data[5:8])}T{of_day(data[:5])}Z{struct.unpack("<h", data[8:])[0]:+}'),
        0xA7: lambda: ('varchar', data.decode('cp1252')),
        0xE7: lambda: ('nvarchar', data.decode('utf-16-le', 'surrogatepass')),
        0xA5: lambda: ('varbinary', '0x' + data.hex().upper()),
    }[{0x6C: 0x6A, 0xAF: 0xA7, 0xEF: 0xE7, 0xAD: 0xA5}.get(b[0], b[0])]()


def compare(kind, found, told):
    """Whether DacFx tells of a cell what the decoder found."""
    if found is None or told is None:
        return found is told
    if kind == 'sql_variant':
        kind, found = variant(found)
    if re.match(r'n?char\b', kind):
        # Blanks that fill a char are taken off by DacFx.
        return found.rstrip(' ') == told.rstrip(' ')
    return found == canonical(kind, told)


def main():
    bad, cells = [], 0
    with tempfile.TemporaryDirectory() as work:
        package, answer = pathlib.Path(work) / 'extremes.bacpac', pathlib.Path(work) / 'rows.json'
        code, out, err = run('cargo', 'test', '-q', '--locked', '--test', 'extremes', 'every_type', cwd=ROOT,
                             env={**os.environ, 'PACRAT_EXTREMES': str(package)})
        assert code == 0 and package.exists(), out + err
        code, out, err = run(sys.executable, DECODER, 'check', package)
        assert code == 0, out + err
        code, out, err = run(sys.executable, ORACLE, 'load', package, '--quiet')
        assert code == 0, out + err
        code, out, err = run(sys.executable, ORACLE, 'data', package, '--json', answer)
        # The oracle itself cannot print half a surrogate pair; it can only happen in a table that has one.
        excused = set(re.findall(r'^DATA-ERROR (\S+) .*text is not valid UTF-16', out, re.M))
        others = [l for l in out.splitlines() if l.startswith('DATA-ERROR') and l.split()[1] not in excused]
        bad += others
        tables = json.loads(answer.read_text())
        for name, table in tables.items():
            code, out, err = run(sys.executable, DECODER, 'canonical', package, name)
            assert code == 0, out + err
            rows = [json.loads(line) for line in out.splitlines()]
            halves = any(HALF.search(cell) for row in rows for cell in row if cell is not None)
            if name in excused:
                bad += [] if halves else [f'{name}: DacFx does not read it']
                continue
            if len(rows) != len(table['rows']):
                bad.append(f'{name}: {len(rows)} rows, and DacFx reads {len(table["rows"])}')
            kinds = [kind for _, kind, _ in table['columns']]
            for row, told in zip(rows, table['rows']):
                for kind, found, value in zip(kinds, row, told):
                    cells += 1
                    if not compare(kind, found, value):
                        bad.append(f'{name} {kind}: {str(found)[:80]} is {str(value)[:80]} to DacFx')
    assert len(tables) > 130 and len(excused) == 4, (len(tables), excused)
    print('\n'.join(bad) or f'DacFx reads {cells} cells of {len(tables) - len(excused)} tables as they are; '
          f'{len(excused)} tables of halves of surrogate pairs it cannot print')
    sys.exit(bool(bad))


if __name__ == '__main__':
    main()
