"""Compresses and inflates for tests over stdin and stdout, with the zlib that Python brings.

A request is a letter, a length of four bytes (big-endian) and as many bytes:
    N  what we inflate with, what we compress with (window bits, negative without takeover, as signed bytes), a level
    I  a message to inflate, by permessage-deflate; answered with its text
    C  a text to compress; answered with a message
    F  the same, ended with a final block and nothing behind it; for a compressor without takeover
An answer is a length of four bytes and as many bytes.
"""

import struct
import sys
import zlib

TAIL = b"\x00\x00\xff\xff"


def main():
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    inflate_bits = deflate_bits = 15
    level = 6
    inflater = deflater = None
    while head := source.read(5):
        kind, length = head[:1], struct.unpack(">I", head[1:])[0]
        data = source.read(length)
        if kind == b"N":
            inflate_bits, deflate_bits, level = struct.unpack("bbb", data)
            inflater = deflater = None
            continue
        if kind == b"I":
            if inflater is None or inflate_bits < 0:
                inflater = zlib.decompressobj(wbits=-abs(inflate_bits))
            answer = inflater.decompress(data + TAIL)
            assert not inflater.unused_data and not inflater.eof
        else:
            if deflater is None or deflate_bits < 0:
                # zlib does not compress with 8.
                deflater = zlib.compressobj(level, zlib.DEFLATED, -max(9, abs(deflate_bits)))
            answer = deflater.compress(data)
            if kind == b"F":
                answer += deflater.flush(zlib.Z_FINISH)
            else:
                answer += deflater.flush(zlib.Z_SYNC_FLUSH)
                answer = answer[:-4] if answer.endswith(TAIL) else b"\x00"
        sink.write(struct.pack(">I", len(answer)) + answer)
        sink.flush()


main()
