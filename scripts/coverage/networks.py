"""Small networks of many families, written out: what people build beside the libraries' architectures.

Each is (name, module, inputs, targets or None, loss, class axis).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

BATCH = 3
r = torch.randn


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        c = lambda i, o: nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ELU())
        self.d1, self.d2, self.m = c(2, 4), c(4, 6), c(6, 8)
        self.u2 = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.u1 = nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1)
        self.c2, self.c1 = c(12, 6), c(8, 4)
        self.o = nn.Conv2d(4, 3, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.m(F.avg_pool2d(b, 2))
        y = self.c2(torch.cat([self.u2(m), b], 1))
        y = self.c1(torch.cat([self.u1(y), a], 1))
        return self.o(y)


class TCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.cs = nn.ModuleList(
            [
                nn.utils.parametrizations.weight_norm(nn.Conv1d(3 if i == 0 else 6, 6, 3, dilation=2**i))
                for i in range(3)
            ]
        )
        self.r = nn.Conv1d(3, 6, 1)
        self.o = nn.Linear(6, 4)

    def forward(self, x):
        h = self.r(x)
        for i, c in enumerate(self.cs):
            y = c(F.pad(x if i == 0 else h, (2 * 2**i, 0)))
            h = F.gelu(y) + h
        return self.o(h[:, :, -1])


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.i = nn.Conv1d(1, 6, 1)
        self.f = nn.ModuleList([nn.Conv1d(6, 6, 2, dilation=2**k) for k in range(3)])
        self.g = nn.ModuleList([nn.Conv1d(6, 6, 2, dilation=2**k) for k in range(3)])
        self.r = nn.ModuleList([nn.Conv1d(6, 6, 1) for k in range(3)])
        self.k = nn.ModuleList([nn.Conv1d(6, 8, 1) for k in range(3)])
        self.o = nn.Conv1d(8, 5, 1)

    def forward(self, x):
        h = self.i(x)
        skip = 0
        for f, g, r, k in zip(self.f, self.g, self.r, self.k):
            z = torch.tanh(f(h)) * torch.sigmoid(g(h))
            skip = skip + k(z)[:, :, -4:]
            h = r(z) + h[:, :, -z.shape[-1] :]
        return self.o(F.elu(skip))


class EncDec(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(11, 16)
        self.p = nn.Parameter(torch.randn(7, 16) * 0.1)
        self.t = nn.Transformer(16, 2, 1, 1, 24, dropout=0.0, batch_first=True, activation="gelu")
        self.o = nn.Linear(16, 11)

    def forward(self, src, tgt):
        m = nn.Transformer.generate_square_subsequent_mask(tgt.shape[1])
        y = self.t(
            self.e(src) + self.p[: src.shape[1]], self.e(tgt) + self.p[: tgt.shape[1]], tgt_mask=m, memory_key_padding_mask=src == 1
        )
        return self.o(y)


class MHA(nn.Module):
    def __init__(self):
        super().__init__()
        self.i = nn.Linear(5, 12)
        self.a = nn.MultiheadAttention(12, 3, batch_first=True, kdim=6, vdim=7)
        self.k = nn.Linear(5, 6)
        self.v = nn.Linear(5, 7)
        self.o = nn.Linear(12, 4)

    def forward(self, x):
        y, w = self.a(self.i(x), self.k(x), self.v(x), need_weights=False)
        return self.o(y.mean(1))


class RNNs(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.e = nn.Embedding(13, 6)
        self.r = getattr(nn, kind)(6, 5, 2, batch_first=True, bidirectional=True)
        self.o = nn.Linear(10, 4)

    def forward(self, x):
        y, _ = self.r(self.e(x))
        return self.o(y[:, -1] + y.amax(1))


class GNRes(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3, padding=1)
        self.a = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.b = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.n = nn.ModuleList([nn.GroupNorm(g, 8) for g in (2, 4, 8)])
        self.o = nn.Linear(8, 4)

    def forward(self, x):
        h = self.c(x)
        h = h + self.b(F.silu(self.n[1](self.a(F.silu(self.n[0](h))))))
        return self.o(F.silu(self.n[2](h)).mean((2, 3)))


class WNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.utils.parametrizations.weight_norm(nn.Linear(6, 8))
        self.b = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8), dim=None)
        self.c = nn.Linear(8, 3)

    def forward(self, x):
        return self.c(torch.tanh(self.b(torch.tanh(self.a(x)))))


class SpecNorm(nn.Module):
    """One step of the power iteration on fixed u, differentiated through sigma."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(8, 6))
        self.b = nn.Parameter(torch.randn(8))
        self.register_buffer("u", F.normalize(torch.randn(8), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(6), dim=0))
        self.o = nn.Linear(8, 3)

    def forward(self, x):
        sigma = torch.dot(self.u, torch.mv(self.w, self.v))
        return self.o(F.leaky_relu(F.linear(x, self.w / sigma, self.b), 0.2))


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.p = nn.Conv2d(3, 8, 4, 4)
        self.n1 = nn.LayerNorm(8)
        self.n2 = nn.LayerNorm(8)
        self.t = nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 4))
        self.c = nn.Sequential(nn.Linear(8, 12), nn.GELU(approximate="tanh"), nn.Linear(12, 8))
        self.o = nn.Linear(8, 4)

    def forward(self, x):
        h = self.p(x).flatten(2).transpose(1, 2)
        h = h + self.t(self.n1(h).transpose(1, 2)).transpose(1, 2)
        h = h + self.c(self.n2(h))
        return self.o(h.mean(1))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.p = nn.Conv2d(3, 12, 4, 4)
        self.cls = nn.Parameter(torch.randn(1, 1, 12))
        self.pos = nn.Parameter(torch.randn(1, 5, 12) * 0.2)
        self.q = nn.Linear(12, 36)
        self.n = nn.LayerNorm(12)
        self.f = nn.Linear(12, 12)
        self.o = nn.Linear(12, 4)

    def forward(self, x):
        h = self.p(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.cls.expand(h.shape[0], -1, -1), h], 1) + self.pos
        q, k, v = self.q(self.n(h)).unflatten(-1, (3, 2, 6)).permute(2, 0, 3, 1, 4)
        h = h + self.f(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return self.o(h[:, 0])


class DeepSets(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Linear(4, 8), nn.Softplus(), nn.Linear(8, 8))
        self.r = nn.Sequential(nn.Linear(24, 8), nn.Mish(), nn.Linear(8, 3))

    def forward(self, x):
        h = self.a(x)
        return self.r(torch.cat([h.sum(1), h.max(1).values, torch.logsumexp(h, 1)], -1))


class EmbBag(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.EmbeddingBag(12, 6, mode="mean")
        self.o = nn.Linear(6, 4)

    def forward(self, x):
        return self.o(torch.tanh(self.e(x)))


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 6)
        self.b = nn.Linear(6, 3)
        g = torch.tensor([[0, 1, 2, 3, 4, 0], [1, 2, 3, 4, 0, 2]])
        self.register_buffer("e", g)

    def conv(self, h, l):
        m = l(h)[:, self.e[0]]
        z = torch.zeros_like(l(h))
        y = z.index_add(1, self.e[1], m)
        d = torch.zeros(5, dtype=h.dtype).scatter_add(0, self.e[1], torch.ones(6, dtype=h.dtype)) + 1
        return (y + l(h)) / d[None, :, None]

    def forward(self, x):
        return self.conv(F.elu(self.conv(x, self.a)), self.b)


class ODE(nn.Module):
    def __init__(self):
        super().__init__()
        self.i = nn.Linear(3, 6)
        self.f = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 6))
        self.o = nn.Linear(6, 3)
        self.h = nn.Parameter(torch.tensor(0.2))

    def forward(self, x):
        z = self.i(x)
        for _ in range(4):
            k1 = self.f(z)
            k2 = self.f(z + self.h / 2 * k1)
            k3 = self.f(z + self.h / 2 * k2)
            k4 = self.f(z + self.h * k3)
            z = z + self.h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return self.o(z)


class MDN(nn.Module):
    def __init__(self):
        super().__init__()
        self.b = nn.Linear(2, 8)
        self.p = nn.Linear(8, 3)
        self.m = nn.Linear(8, 3)
        self.s = nn.Linear(8, 3)

    def forward(self, x, t):
        h = torch.tanh(self.b(x))
        lp = F.log_softmax(self.p(h), -1)
        sd = F.softplus(self.s(h)) + 0.1
        lq = -0.5 * ((t - self.m(h)) / sd) ** 2 - torch.log(sd) - 0.5 * math.log(2 * math.pi)
        return -torch.logsumexp(lp + lq, -1)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Linear(8, 10)
        self.m = nn.Linear(10, 2)
        self.l = nn.Linear(10, 2)
        self.d = nn.Sequential(nn.Linear(2, 10), nn.ELU(), nn.Linear(10, 8))

    def forward(self, x, eps):
        h = torch.tanh(self.e(x))
        m, l = self.m(h), self.l(h)
        z = m + torch.exp(0.5 * l) * eps
        r = self.d(z)
        return (
            F.binary_cross_entropy_with_logits(r, torch.sigmoid(x), reduction="none").sum(1)
            - 0.5 * (1 + l - m**2 - l.exp()).sum(1)
        ).mean()


class Seg(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.b = nn.Conv2d(6, 8, 3, padding=2, dilation=2)
        self.h = nn.Conv2d(8, 4, 1)
        self.k = nn.Conv2d(6, 4, 1)

    def forward(self, x):
        l = F.hardswish(self.a(x))
        y = self.h(F.silu(self.b(l))) + F.interpolate(
            F.adaptive_avg_pool2d(self.k(l), 2), size=l.shape[-2:], mode="bilinear", align_corners=False
        )
        return F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=True)


class SR(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 8, 3, padding=1, padding_mode="reflect")
        self.p = nn.PReLU(8)
        self.b = nn.Conv2d(8, 4, 3, padding=1, padding_mode="replicate")

    def forward(self, x):
        return F.pixel_shuffle(self.b(self.p(self.a(x))), 2) + F.interpolate(x, scale_factor=2, mode="bicubic")


class Ein(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 5, 6) * 0.4)
        self.v = nn.Parameter(torch.randn(6, 5) * 0.4)
        self.b = nn.Bilinear(5, 4, 3)

    def forward(self, x):
        h = torch.einsum("bi,ijk,kj->bj", x, self.w, self.v)
        g = torch.einsum("bi,bj->bij", h, x).tanh()
        return self.b(h, torch.einsum("bij->bj", g))


class FFT(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Parameter(torch.randn(5))
        self.a = nn.Linear(10, 6)
        self.o = nn.Linear(6, 3)

    def forward(self, x):
        z = torch.view_as_real(torch.fft.rfft(x, dim=-1))
        p = (z**2).sum(-1) * torch.sigmoid(self.f)
        return self.o(F.gelu(self.a(torch.cat([torch.log1p(p), z[..., 0]], -1))))


class STFTNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.hann_window(8) + 0.1)
        self.c = nn.Conv1d(5, 6, 3)
        self.o = nn.Linear(6, 3)

    def forward(self, x):
        z = torch.view_as_real(torch.stft(x, 8, 4, window=self.w, center=False, return_complex=True))
        return self.o(F.elu(self.c(torch.log(z.pow(2).sum(-1) + 0.1))).mean(-1))


class Pools(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 8)
        self.o = nn.Linear(8 * 5, 3)

    def forward(self, x):
        h = torch.tanh(self.a(x))
        return self.o(
            torch.cat(
                [h.cumsum(1)[:, -2], h.sort(1).values[:, 1], h.topk(2, 1).values.mean(1), h.amin(1), h.std(1)], -1
            )
        )


class MoE(nn.Module):
    def __init__(self):
        super().__init__()
        self.g = nn.Linear(5, 4)
        self.w = nn.Parameter(torch.randn(4, 5, 6) * 0.5)
        self.o = nn.Linear(6, 3)

    def forward(self, x):
        v, i = self.g(x).topk(2, -1)
        w = self.w[i]
        y = torch.einsum("bi,bkij->bkj", x, w)
        return self.o(torch.tanh((y * v.softmax(-1)[..., None]).sum(1)))


class Hyper(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = nn.Linear(3, 12)
        self.o = nn.Linear(4, 3)

    def forward(self, x):
        w = self.h(x).view(-1, 4, 3)
        return self.o(torch.bmm(w, x[:, :, None]).squeeze(-1).sin())


class DEQ(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 6) * 0.1)
        self.u = nn.Linear(3, 6)
        self.o = nn.Linear(6, 3)

    def forward(self, x):
        z = torch.zeros(x.shape[0], 6, dtype=x.dtype)
        for _ in range(8):
            z = torch.tanh(z @ self.w.T + self.u(x))
        return self.o(z)


class Caps(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 12)
        self.w = nn.Parameter(torch.randn(4, 3, 3, 3) * 0.5)

    def forward(self, x):
        u = self.a(x).view(-1, 4, 3)
        u = torch.einsum("bic,ijcd->bijd", u, self.w)
        b = torch.zeros_like(u[..., 0])
        for _ in range(2):
            c = b.softmax(2)
            v = (c[..., None] * u).sum(1)
            n = (v**2).sum(-1, keepdim=True)
            v = n / (1 + n) * v / torch.sqrt(n + 1e-8)
            b = b + (u * v[:, None]).sum(-1)
        return v.norm(dim=-1)


class NiN3(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv3d(1, 4, 3, padding=1)
        self.b = nn.ConvTranspose3d(4, 2, 2, stride=2)
        self.n = nn.InstanceNorm3d(4, affine=True)

    def forward(self, x):
        return self.b(F.celu(self.n(self.a(x)))).mean((2, 3, 4))


class DiffPoolLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 6)
        self.s = nn.Linear(4, 2)
        self.o = nn.Linear(6, 3)

    def forward(self, x):
        d = ((x[:, :, None] - x[:, None]) ** 2).sum(-1)
        A = torch.exp(-d)
        h = torch.relu(A @ self.a(x))
        p = self.s(x).softmax(-1)
        return self.o((p.transpose(1, 2) @ h).mean(1))


class GLULSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.LSTMCell(4, 5)
        self.o = nn.Linear(5, 3)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 5, dtype=x.dtype)
        c = h
        for t in range(4):
            h, c = self.c(x[:, t], (h, c))
        return self.o(h)


class Masked(nn.Module):
    """Float masks as buffers, boolean masks in the graph, and where."""

    def __init__(self):
        super().__init__()
        self.q = nn.Linear(8, 24)
        self.o = nn.Linear(8, 4)
        self.register_buffer("m", torch.triu(torch.full((5, 5), float("-inf")), 1))

    def forward(self, x):
        q, k, v = self.q(x).chunk(3, -1)
        a = (q @ k.transpose(1, 2) / 8**0.5 + self.m).softmax(-1)
        return self.o((a @ v)[:, -1])


class Sched(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = nn.Linear(16, 8)
        self.x = nn.Conv2d(2, 8, 3, padding=1)
        self.o = nn.Conv2d(8, 2, 3, padding=1)
        self.register_buffer("f", torch.exp(-math.log(1e4) * torch.arange(8) / 8))

    def forward(self, x, t):
        e = t[:, None] * self.f
        e = torch.cat([e.sin(), e.cos()], -1)
        sc = self.t(e)
        return self.o(F.silu(self.x(x) * (1 + sc[:, :, None, None])))


class GQA(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(11, 16)
        self.q = nn.Linear(16, 16)
        self.k = nn.Linear(16, 8)
        self.v = nn.Linear(16, 8)
        self.n = nn.RMSNorm(16)
        self.o = nn.Linear(16, 11)

    def forward(self, x):
        h = self.e(x)
        z = self.n(h)
        sp = lambda t, n: t.unflatten(-1, (n, 4)).transpose(1, 2)
        y = F.scaled_dot_product_attention(sp(self.q(z), 4), sp(self.k(z), 2), sp(self.v(z), 2), is_causal=True, enable_gqa=True)
        return self.o(F.silu(h + y.transpose(1, 2).flatten(2)))


class SDPAMask(nn.Module):
    def __init__(self, boolean):
        super().__init__()
        self.boolean = boolean
        self.q = nn.Linear(8, 24)
        self.o = nn.Linear(8, 4)
        self.register_buffer("m", torch.tril(torch.ones(5, 5, dtype=torch.bool)))

    def forward(self, x):
        q, k, v = self.q(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        m = self.m if self.boolean else torch.zeros(5, 5, dtype=x.dtype).masked_fill(~self.m, float("-inf"))
        return self.o(F.scaled_dot_product_attention(q, k, v, attn_mask=m, scale=0.3).transpose(1, 2).flatten(2)[:, -1])


class RoPE(nn.Module):
    def __init__(self):
        super().__init__()
        self.q = nn.Linear(8, 16)
        self.o = nn.Linear(8, 3)
        self.register_buffer("inv_freq", 1 / 100 ** (torch.arange(0, 4, 2) / 4))

    def forward(self, x):
        q, k = self.q(x).unflatten(-1, (2, 2, 4)).permute(2, 0, 3, 1, 4)
        a = torch.arange(x.shape[1], dtype=x.dtype)[:, None] * self.inv_freq.to(x.dtype)
        a = torch.cat([a, a], -1)
        rot = lambda t: t * a.cos() + torch.cat([-t[..., 2:], t[..., :2]], -1) * a.sin()
        return self.o(F.scaled_dot_product_attention(rot(q), rot(k), k).transpose(1, 2).flatten(2).mean(1))


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 8)
        self.l = nn.LayerNorm(8)
        self.r = nn.RMSNorm(8)
        self.g = nn.GroupNorm(2, 8)
        self.i = nn.InstanceNorm1d(8, affine=True)
        self.b = nn.BatchNorm1d(8)
        self.o = nn.Linear(8, 3)

    def forward(self, x):
        h = self.l(self.a(x))
        h = self.r(F.silu(h))
        h = self.g(h.transpose(1, 2))
        h = self.i(F.gelu(h))
        return self.o(self.b(h).mean(-1))


class LRNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(2, 6, 3, padding=1)
        self.l = nn.LocalResponseNorm(3)
        self.d = nn.Linear(6, 3)

    def forward(self, x):
        return self.d(F.lp_pool2d(self.l(F.softsign(self.c(x))), 2, 2).flatten(2).amax(-1))


class GridNet(nn.Module):
    """Spatial transformer."""

    def __init__(self):
        super().__init__()
        self.l = nn.Linear(2 * 36, 6)
        self.c = nn.Conv2d(2, 4, 3)
        self.o = nn.Linear(4, 3)
        self.register_buffer("id", torch.tensor([1, 0, 0.1, 0, 1, 0.05]))

    def forward(self, x):
        t = (self.id.to(x.dtype) + 0.1 * torch.tanh(self.l(x.flatten(1)))).view(-1, 2, 3)
        return self.o(
            F.elu(
                self.c(F.grid_sample(x, F.affine_grid(t, [x.shape[0], 2, 6, 6], align_corners=False), align_corners=False))
            ).mean((2, 3))
        )


class Perceiver(nn.Module):
    def __init__(self):
        super().__init__()
        self.z = nn.Parameter(torch.randn(3, 8))
        self.a = nn.MultiheadAttention(8, 2, batch_first=True, kdim=5, vdim=5)
        self.l = nn.LayerNorm(8)
        self.o = nn.Linear(24, 3)

    def forward(self, x):
        z = self.z.expand(x.shape[0], -1, -1)
        z = self.l(z + self.a(z, x, x)[0])
        return self.o(z.flatten(1))


class VQ(nn.Module):
    """Soft codebook with gumbel-free softmax, straight distances."""

    def __init__(self):
        super().__init__()
        self.e = nn.Linear(5, 4)
        self.c = nn.Parameter(torch.randn(7, 4))
        self.d = nn.Linear(4, 5)

    def forward(self, x):
        z = self.e(x)
        d = (z**2).sum(-1, keepdim=True) - 2 * z @ self.c.t() + (self.c**2).sum(-1)
        return self.d(F.softmin(d, -1) @ self.c)


class Flow(nn.Module):
    """Invertible linear layers with log|det| and affine coupling: its own loss."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.eye(4) + 0.2 * torch.randn(4, 4))
        self.n = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 4))

    def forward(self, x):
        z = x @ self.w
        a, b = z.chunk(2, -1)
        t, l = self.n(a).chunk(2, -1)
        b = b * torch.exp(torch.tanh(l)) + t
        return 0.5 * (a**2 + b**2).sum(-1) - torch.tanh(l).sum(-1) - torch.log(torch.abs(torch.det(self.w)))


class Siren(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 8)
        self.b = nn.Linear(8, 1)

    def forward(self, x):
        return self.b(torch.sin(5 * self.a(x)))


class KAN(nn.Module):
    """RBF edges."""

    def __init__(self):
        super().__init__()
        self.c = nn.Parameter(torch.linspace(-1, 1, 5))
        self.w = nn.Parameter(torch.randn(3, 5, 4) * 0.4)
        self.s = nn.Parameter(torch.ones(3))
        self.o = nn.Linear(4, 2)

    def forward(self, x):
        p = torch.exp(-(((x[..., None] - self.c) * self.s[:, None]) ** 2))
        return self.o(torch.einsum("bik,iko->bo", p, self.w))


class Mamba1(nn.Module):
    """Selective scan written as a loop."""

    def __init__(self):
        super().__init__()
        self.i = nn.Linear(3, 8)
        self.a = nn.Parameter(torch.randn(4, 2))
        self.x = nn.Linear(4, 5)
        self.d = nn.Parameter(torch.randn(4))
        self.c = nn.Conv1d(4, 4, 3, groups=4, padding=2)
        self.o = nn.Linear(4, 3)

    def forward(self, u):
        x, z = self.i(u).chunk(2, -1)
        x = F.silu(self.c(x.transpose(1, 2))[..., : u.shape[1]].transpose(1, 2))
        dt, B, C = self.x(x).split([1, 2, 2], -1)
        dt = F.softplus(dt)
        A = -torch.exp(self.a)
        h = torch.zeros(u.shape[0], 4, 2, dtype=u.dtype)
        ys = []
        for t in range(5):
            h = torch.exp(dt[:, t, :, None] * A) * h + (dt[:, t] * x[:, t])[..., None] * B[:, t, None]
            ys.append((h * C[:, t, None]).sum(-1))
        return self.o((torch.stack(ys, 1) + x * self.d) * F.silu(z))[:, -1]


class Hyena(nn.Module):
    """A long convolution by FFT, with an implicit filter, and a gate."""

    def __init__(self):
        super().__init__()
        self.i = nn.Linear(4, 8)
        self.f = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 4))
        self.d = nn.Parameter(torch.randn(4))
        self.o = nn.Linear(4, 3)
        self.register_buffer("t", torch.linspace(0, 1, 6)[:, None])

    def forward(self, x):
        n, t = x.shape[1], self.t.to(x.dtype)
        v, g = self.i(x).chunk(2, -1)
        h = self.f(t) * torch.exp(-t * self.d.abs())
        y = torch.fft.irfft(torch.fft.rfft(v, 2 * n, dim=1) * torch.fft.rfft(h, 2 * n, dim=0), 2 * n, dim=1)
        return self.o((y[:, :n] * g).mean(1))


class RelativeShift(nn.Module):
    """Relative positions as in Transformer-XL; TorchScript writes the batch into the shapes."""

    def __init__(self):
        super().__init__()
        self.q = nn.Linear(8, 24)
        self.b = nn.Parameter(torch.randn(2, 2, 1, 4) * 0.5)
        self.r = nn.Parameter(torch.randn(6, 4) * 0.5)
        self.o = nn.Linear(8, 3)

    def forward(self, x):
        q, k, v = self.q(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        p = torch.einsum("bhid,jd->bhij", q + self.b[0], self.r)
        b, h, i, j = p.shape
        p = F.pad(p, (1, 0)).view(b, h, j + 1, i)[:, :, 1:].reshape(b, h, i, j)
        a = ((torch.einsum("bhid,bhjd->bhij", q + self.b[1], k) + p) / 2).softmax(-1)
        return self.o((a @ v).transpose(1, 2).flatten(2).mean(1))


class TabNet(nn.Module):
    """Sparsemax: sort, cumsum, gather."""

    def __init__(self):
        super().__init__()
        self.n = nn.BatchNorm1d(5)
        self.s = nn.ModuleList([nn.Linear(5, 8) for _ in range(2)])
        self.a = nn.ModuleList([nn.Linear(5, 5) for _ in range(2)])
        self.o = nn.Linear(4, 3)

    def sparsemax(self, z):
        high = z.sort(-1, descending=True).values
        k = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype)
        sums = high.cumsum(-1)
        n = (1 + k * high > sums).sum(-1, keepdim=True)
        return (z - (sums.gather(-1, n - 1) - 1) / n.to(z.dtype)).clamp(min=0)

    def forward(self, x):
        h = self.n(x)
        prior, out = torch.ones_like(x), 0
        for s, a in zip(self.s, self.a):
            m = self.sparsemax(a(h) * prior)
            prior = prior * (1.3 - m)
            y = F.glu(s(m * x))
            out = out + F.relu(y)
            h = torch.cat([y, y[:, :1]], 1)
        return self.o(out)


class GAT(nn.Module):
    """Softmax over the edges that enter a node; the nodes are the samples."""

    def __init__(self):
        super().__init__()
        self.w = nn.Linear(5, 6, bias=False)
        self.a = nn.Parameter(torch.randn(2, 2, 3) * 0.5)
        self.o = nn.Linear(6, 3)
        self.register_buffer("e", torch.tensor([[0, 1, 2, 3, 4, 0, 2], [1, 2, 3, 4, 0, 2, 4]]))

    def forward(self, x):
        h = self.w(x).view(-1, 2, 3)
        source, target = self.e
        e = F.leaky_relu((h * self.a[0]).sum(-1)[source] + (h * self.a[1]).sum(-1)[target], 0.2)
        low = torch.full((5, 2), float("-inf"), dtype=x.dtype)
        high = low.scatter_reduce(0, target[:, None].expand(-1, 2), e, "amax")
        e = torch.exp(e - high[target])
        total = torch.zeros(5, 2, dtype=x.dtype).index_add(0, target, e)
        y = torch.zeros(5, 2, 3, dtype=x.dtype).index_add(0, target, (e / total[target])[..., None] * h[source])
        return self.o(F.elu(y.flatten(1)))


class CRF(nn.Module):
    """Minus the log-likelihood of a sequence of tags."""

    def __init__(self):
        super().__init__()
        self.e = nn.Linear(5, 3)
        self.s = nn.Parameter(torch.randn(3) * 0.5)
        self.t = nn.Parameter(torch.randn(3, 3) * 0.5)

    def forward(self, x, tags):
        e = self.e(x)
        chosen = e.gather(2, tags[..., None]).squeeze(-1)
        total, score = self.s + e[:, 0], self.s[tags[:, 0]] + chosen[:, 0]
        for i in range(1, 4):
            total = torch.logsumexp(total[:, :, None] + self.t + e[:, i, None], 1)
            score = score + self.t[tags[:, i - 1], tags[:, i]] + chosen[:, i]
        return (torch.logsumexp(total, 1) - score).mean()


class Folded(nn.Module):
    """Patches and back, and a maximum put back in its place."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(2, 3, 3, padding=1)
        self.l = nn.Linear(27, 27)
        self.o = nn.Linear(3, 3)

    def forward(self, x):
        h = self.a(x)
        p = torch.tanh(self.l(F.unfold(h, 3, padding=1, stride=2).transpose(1, 2))).transpose(1, 2)
        h = h + F.fold(p, (6, 6), 3, padding=1, stride=2)
        return self.o(torch.tanh(F.max_unpool2d(*F.max_pool2d(h, 2, return_indices=True), 2)).mean((2, 3)))


class LearnedState(nn.Module):
    """An LSTM of two layers that begins where it learned to."""

    def __init__(self):
        super().__init__()
        self.r = nn.LSTM(6, 4, 2, batch_first=True)
        self.s = nn.Parameter(torch.randn(2, 2, 1, 4) * 0.5)
        self.o = nn.Linear(8, 3)

    def forward(self, x):
        h, c = (s.expand(-1, x.shape[0], -1).contiguous() for s in self.s)
        y, (_, c) = self.r(x, (h, c))
        return self.o(torch.cat([y[:, -1], c[0]], -1))


class Filled(nn.Module):
    """Columns filled and copied, and an output in float64."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(5, 8)
        self.o = nn.Linear(8, 3)

    def forward(self, x):
        h = self.a(x)
        h = h.index_fill(1, torch.tensor([0, 2]), 0.5).index_copy(1, torch.tensor([1, 4]), h[:, :2].sin())
        return self.o(torch.tanh(h)).double()


def networks():
    yield "unet", UNet(), (r(BATCH, 2, 8, 8),), torch.randint(3, (BATCH, 8, 8)), "cross-entropy", 1
    yield "tcn", TCN(), (r(BATCH, 3, 12),), torch.randint(4, (BATCH,)), "cross-entropy", 1
    yield "wavenet", WaveNet(), (r(BATCH, 1, 12),), torch.randint(5, (BATCH, 4)), "cross-entropy", 1
    yield "encdec", EncDec(), (torch.randint(1, 11, (BATCH, 6)), torch.randint(1, 11, (BATCH, 5))), torch.randint(
        11, (BATCH, 5)
    ), "cross-entropy", -1
    yield "mha", MHA(), (r(BATCH, 6, 5),), torch.randint(4, (BATCH,)), "cross-entropy", 1
    for k in ("LSTM", "GRU", "RNN"):
        yield k.lower(), RNNs(k), (torch.randint(13, (BATCH, 5)),), torch.randint(4, (BATCH,)), "cross-entropy", 1
    yield "gnres", GNRes(), (r(BATCH, 3, 6, 6),), torch.randint(4, (BATCH,)), "cross-entropy", 1
    yield "weightnorm", WNorm(), (r(BATCH, 6),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "specnorm", SpecNorm(), (r(BATCH, 6),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "mixer", Mixer(), (r(BATCH, 3, 8, 8),), torch.randint(4, (BATCH,)), "cross-entropy", 1
    yield "vit", ViT(), (r(BATCH, 3, 8, 8),), torch.randint(4, (BATCH,)), "cross-entropy", 1
    yield "deepsets", DeepSets(), (r(BATCH, 5, 4),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "embbag", EmbBag(), (torch.randint(12, (BATCH, 5)),), torch.randint(4, (BATCH,)), "cross-entropy", 1
    yield "gcn", GCN(), (r(BATCH, 5, 4),), torch.randint(3, (BATCH, 5)), "cross-entropy", -1
    yield "ode", ODE(), (r(BATCH, 3),), r(BATCH, 3), "mse", 1
    yield "mdn", MDN(), (r(BATCH, 2), r(BATCH, 1)), None, "output", 1
    yield "vae", VAE(), (r(BATCH, 8), r(BATCH, 2)), None, "output", 1
    yield "seg", Seg(), (r(BATCH, 3, 8, 8),), torch.randint(4, (BATCH, 8, 8)), "cross-entropy", 1
    yield "sr", SR(), (r(BATCH, 1, 6, 6),), r(BATCH, 1, 12, 12), "mse", 1
    yield "einsum", Ein(), (r(BATCH, 4),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "fft", FFT(), (r(BATCH, 8),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "stft", STFTNet(), (r(BATCH, 32),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "pools", Pools(), (r(BATCH, 5, 4),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "moe", MoE(), (r(BATCH, 5),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "hyper", Hyper(), (r(BATCH, 3),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "deq", DEQ(), (r(BATCH, 3),), r(BATCH, 3), "mse", 1
    yield "caps", Caps(), (r(BATCH, 6),), torch.rand(BATCH, 3), "mse", 1
    yield "conv3d", NiN3(), (r(BATCH, 1, 4, 4, 4),), r(BATCH, 2), "mse", 1
    yield "cdist", DiffPoolLike(), (r(BATCH, 5, 4),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "lstmcell", GLULSTM(), (r(BATCH, 4, 4),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "masked", Masked(), (r(BATCH, 5, 8),), torch.randint(4, (BATCH,)), "cross-entropy", 1
    yield "diffusion", Sched(), (r(BATCH, 2, 6, 6), torch.rand(BATCH) * 10), r(BATCH, 2, 6, 6), "mse", 1
    yield "gqa", GQA(), (torch.randint(11, (BATCH, 5)),), torch.randint(11, (BATCH, 5)), "cross-entropy", -1
    for b in (True, False):
        yield f'sdpa{"bool" if b else "float"}', SDPAMask(b), (r(BATCH, 5, 8),), torch.randint(
            4, (BATCH,)
        ), "cross-entropy", 1
    yield "rope", RoPE(), (r(BATCH, 5, 8),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "norms", Norms(), (r(BATCH, 5, 6),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "lrn", LRNet(), (r(BATCH, 2, 6, 6),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "stn", GridNet(), (r(BATCH, 2, 6, 6),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "perceiver", Perceiver(), (r(BATCH, 6, 5),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "vq", VQ(), (r(BATCH, 5),), r(BATCH, 5), "mse", 1
    yield "flow", Flow(), (r(BATCH, 4),), None, "output", 1
    yield "siren", Siren(), (r(BATCH, 2),), r(BATCH, 1), "mse", 1
    yield "kan", KAN(), (r(BATCH, 3),), r(BATCH, 2), "mse", 1
    yield "mamba", Mamba1(), (r(BATCH, 5, 3),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "hyena", Hyena(), (r(BATCH, 6, 4),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "xl", RelativeShift(), (r(BATCH, 6, 8),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "tabnet", TabNet(), (r(6, 5),), torch.randint(3, (6,)), "cross-entropy", 1
    yield "gat", GAT(), (r(5, 5),), torch.randint(3, (5,)), "cross-entropy", 1
    yield "crf", CRF(), (r(BATCH, 4, 5), torch.randint(3, (BATCH, 4))), None, "output", 1
    yield "fold", Folded(), (r(BATCH, 2, 6, 6),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "lstmstate", LearnedState(), (r(BATCH, 5, 6),), torch.randint(3, (BATCH,)), "cross-entropy", 1
    yield "filled", Filled(), (r(6, 5),), r(6, 3), "mse", 1
