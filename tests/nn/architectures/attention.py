"""Networks of tokens."""

import torch
from torch import nn
from torch.nn import functional

DIM, HEADS = 24, 3


class Attention(nn.Module):
    """timm's: queries, keys and values by one layer; by torch's function or written out."""

    def __init__(self, dim, heads, *, fused=True):
        super().__init__()
        self.num_heads, self.scale, self.fused = heads, (dim // heads) ** -0.5, fused
        self.qkv, self.proj = nn.Linear(dim, dim * 3), nn.Linear(dim, dim)
        self.attn_drop, self.proj_drop = nn.Dropout(0.1), nn.Dropout(0.1)

    def forward(self, x):
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.num_heads, c // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        if self.fused:
            x = functional.scaled_dot_product_attention(q, k, v, dropout_p=self.attn_drop.p if self.training else 0.0)
        else:
            q = q * self.scale
            attn = q @ k.transpose(-2, -1)
            attn = attn.softmax(dim=-1)
            x = self.attn_drop(attn) @ v
        x = x.transpose(1, 2).reshape(b, n, c)
        return self.proj_drop(self.proj(x))


class Mlp(nn.Sequential):
    def __init__(self, dim, hidden):
        super().__init__(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(hidden, dim), nn.Dropout(0.1))


class LayerScale(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.gamma = nn.Parameter(0.5 * torch.ones(dim))

    def forward(self, x):
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, *, fused):
        super().__init__()
        self.norm1, self.attn, self.ls1 = (
            nn.LayerNorm(DIM, eps=1e-6),
            Attention(DIM, HEADS, fused=fused),
            LayerScale(DIM),
        )
        self.norm2, self.mlp, self.ls2 = nn.LayerNorm(DIM, eps=1e-6), Mlp(DIM, 2 * DIM), LayerScale(DIM)

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """timm's: class token, position embedding, classes by the class token."""

    def __init__(self, classes, *, fused=True):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, DIM, kernel_size=8, stride=8)
        self.cls_token = nn.Parameter(torch.randn(1, 1, DIM) * 0.5)
        self.pos_embed = nn.Parameter(torch.randn(1, 17, DIM) * 0.5)
        self.blocks = nn.Sequential(*[Block(fused=fused) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(DIM, eps=1e-6), nn.Linear(DIM, classes)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        cls_token = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat((cls_token, x), dim=1)
        x = x + self.pos_embed
        x = self.norm(self.blocks(x))
        return self.head(x[:, 0])


def written_out_vision_transformer(classes):
    return VisionTransformer(classes, fused=False)


class EncoderBlock(nn.Module):
    """torchvision's, of nn.MultiheadAttention."""

    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(DIM, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(DIM, HEADS, dropout=0.1, batch_first=True)
        self.dropout, self.ln_2, self.mlp = nn.Dropout(0.1), nn.LayerNorm(DIM, eps=1e-6), Mlp(DIM, 2 * DIM)

    def forward(self, input):  # noqa: A002 - its name there
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x)
        x = x + input
        y = self.mlp(self.ln_2(x))
        return x + y


class TorchvisionTransformer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv_proj = nn.Conv2d(3, DIM, kernel_size=8, stride=8)
        self.class_token = nn.Parameter(torch.randn(1, 1, DIM) * 0.5)
        self.pos_embedding = nn.Parameter(torch.randn(1, 17, DIM) * 0.5)
        self.layers, self.ln = nn.Sequential(EncoderBlock(), EncoderBlock()), nn.LayerNorm(DIM, eps=1e-6)
        self.heads = nn.Sequential(nn.Linear(DIM, classes))

    def forward(self, x):
        n, _, h, w = x.shape
        torch._assert(h == 32, f"Wrong image height! Expected 32 but got {h}!")
        x = self.conv_proj(x)
        x = x.reshape(n, DIM, (h // 8) * (w // 8))
        x = x.permute(0, 2, 1)
        x = torch.cat([self.class_token.expand(n, -1, -1), x], dim=1)
        x = self.ln(self.layers(x + self.pos_embedding))
        x = x[:, 0]
        return self.heads(x)


class TransformerEncoder(nn.Module):
    """torch's own encoder on patches that are cut by reshaping, positions added, the mean of all tokens."""

    def __init__(self, classes):
        super().__init__()
        self.embed = nn.Sequential(nn.LayerNorm(192), nn.Linear(192, DIM), nn.LayerNorm(DIM))
        self.positions = nn.Embedding(16, DIM)
        layer = nn.TransformerEncoderLayer(DIM, HEADS, 2 * DIM, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.head = nn.Linear(DIM, classes)

    def forward(self, x):
        b, c, h, w = x.shape
        x = x.reshape(b, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, 8 * 8 * c)
        x = self.embed(x) + self.positions(torch.arange(16))
        return self.head(self.encoder(x).mean(dim=1))


class MixerBlock(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.norm1, self.mlp_tokens = nn.LayerNorm(dim), Mlp(tokens, 2 * tokens)
        self.norm2, self.mlp_channels = nn.LayerNorm(dim), Mlp(dim, 2 * dim)

    def forward(self, x):
        x = x + self.mlp_tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.mlp_channels(self.norm2(x))


class MlpMixer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Conv2d(3, DIM, 8, 8)
        self.blocks = nn.Sequential(MixerBlock(16, DIM), MixerBlock(16, DIM))
        self.norm, self.head = nn.LayerNorm(DIM), nn.Linear(DIM, classes)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = self.norm(self.blocks(x))
        return self.head(x.mean(dim=1))


def window_partition(x, size):
    b, h, w, c = x.shape
    x = x.view(b, h // size, size, w // size, size, c)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, size, size, c)


def window_reverse(windows, size, h, w):
    b = int(windows.shape[0] / (h * w / size / size))
    x = windows.view(b, h // size, w // size, size, size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(b, h, w, -1)


class WindowAttention(nn.Module):
    """Swin's: a bias for each distance within the window, and a mask where the window wraps around."""

    def __init__(self, dim, size, heads):
        super().__init__()
        self.size, self.num_heads, self.scale = size, heads, (dim // heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * size - 1) ** 2, heads))
        coords = torch.stack(torch.meshgrid([torch.arange(size), torch.arange(size)], indexing="ij")).flatten(1)
        relative = (coords[:, :, None] - coords[:, None, :]).permute(1, 2, 0).contiguous()
        relative += size - 1
        self.register_buffer("relative_position_index", relative[..., 0] * (2 * size - 1) + relative[..., 1])
        self.qkv, self.proj, self.softmax = nn.Linear(dim, dim * 3), nn.Linear(dim, dim), nn.Softmax(dim=-1)

    def forward(self, x, mask=None):
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.num_heads, c // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q * self.scale) @ k.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)].view(n, n, -1)
        attn = attn + bias.permute(2, 0, 1).contiguous().unsqueeze(0)
        if mask is not None:
            windows = mask.shape[0]
            attn = attn.view(b // windows, windows, self.num_heads, n, n) + mask.unsqueeze(1).unsqueeze(0)
            attn = attn.view(-1, self.num_heads, n, n)
        x = (self.softmax(attn) @ v).transpose(1, 2).reshape(b, n, c)
        return self.proj(x)


class SwinBlock(nn.Module):
    def __init__(self, dim, resolution, heads, size, shift):
        super().__init__()
        self.resolution, self.size, self.shift = resolution, size, shift
        self.norm1, self.attn = nn.LayerNorm(dim), WindowAttention(dim, size, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim), Mlp(dim, 2 * dim)
        mask = None
        if shift:
            places = torch.zeros((1, resolution, resolution, 1))
            parts = (slice(0, -size), slice(-size, -shift), slice(-shift, None))
            for count, (down, across) in enumerate((down, across) for down in parts for across in parts):
                places[:, down, across, :] = count
            windows = window_partition(places, size).view(-1, size * size)
            mask = windows.unsqueeze(1) - windows.unsqueeze(2)
            mask = mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)
        self.register_buffer("attn_mask", mask)

    def forward(self, x):
        b, length, c = x.shape
        shortcut = x
        x = self.norm1(x).view(b, self.resolution, self.resolution, c)
        if self.shift > 0:
            x = torch.roll(x, shifts=(-self.shift, -self.shift), dims=(1, 2))
        windows = window_partition(x, self.size).view(-1, self.size * self.size, c)
        windows = self.attn(windows, mask=self.attn_mask).view(-1, self.size, self.size, c)
        x = window_reverse(windows, self.size, self.resolution, self.resolution)
        if self.shift > 0:
            x = torch.roll(x, shifts=(self.shift, self.shift), dims=(1, 2))
        x = shortcut + x.view(b, length, c)
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, dim, resolution):
        super().__init__()
        self.resolution = resolution
        self.reduction, self.norm = nn.Linear(4 * dim, 2 * dim, bias=False), nn.LayerNorm(4 * dim)

    def forward(self, x):
        b, _, c = x.shape
        x = x.view(b, self.resolution, self.resolution, c)
        x = torch.cat([x[:, 0::2, 0::2, :], x[:, 1::2, 0::2, :], x[:, 0::2, 1::2, :], x[:, 1::2, 1::2, :]], -1)
        return self.reduction(self.norm(x.view(b, -1, 4 * c)))


class Swin(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.patch_embed, self.patch_norm = nn.Conv2d(3, 12, 4, 4), nn.LayerNorm(12)
        self.layers = nn.Sequential(
            SwinBlock(12, 8, 2, 4, 0), SwinBlock(12, 8, 2, 4, 2), PatchMerging(12, 8), SwinBlock(24, 4, 2, 4, 0)
        )
        self.norm, self.avgpool, self.head = nn.LayerNorm(24), nn.AdaptiveAvgPool1d(1), nn.Linear(24, classes)

    def forward(self, x):
        x = self.patch_norm(self.patch_embed(x).flatten(2).transpose(1, 2))
        x = self.norm(self.layers(x))
        x = self.avgpool(x.transpose(1, 2))
        return self.head(torch.flatten(x, 1))


class CompactTransformer(nn.Module):
    """CCT: tokens by convolutions, sinusoidal positions, a weighted mean of tokens by attention over them."""

    def __init__(self, classes):
        super().__init__()
        self.tokenizer = nn.Sequential(
            nn.Conv2d(3, DIM, 3, 2, 1, bias=False), nn.ReLU(), nn.MaxPool2d(kernel_size=3, stride=4, padding=1)
        )
        places = torch.arange(16.0)[:, None] / 1000 ** (torch.arange(0, DIM, 2) / DIM)
        table = torch.stack([torch.sin(places), torch.cos(places)], -1).flatten(1)[None]
        self.positional_emb = nn.Parameter(table, requires_grad=False)
        self.block, self.norm = Block(fused=False), nn.LayerNorm(DIM)
        self.attention_pool, self.fc = nn.Linear(DIM, 1), nn.Linear(DIM, classes)

    def forward(self, x):
        x = self.tokenizer(x).flatten(2, 3).transpose(-2, -1)
        x = x + self.positional_emb
        x = self.norm(self.block(x))
        x = torch.matmul(functional.softmax(self.attention_pool(x), dim=1).transpose(-1, -2), x).squeeze(-2)
        return self.fc(x)


def rotated_half(x):
    x1, x2 = x.chunk(2, dim=-1)
    return torch.cat((-x2, x1), dim=-1)


class RotaryTransformer(nn.Module):
    """Of newer habits: rotary positions, a gated MLP, attention to earlier tokens only."""

    def __init__(self, classes):
        super().__init__()
        self.patches = nn.Conv2d(3, DIM, 8, 8)
        self.norm1, self.norm2, self.norm = nn.LayerNorm(DIM), nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.qkv, self.proj = nn.Linear(DIM, 3 * DIM, bias=False), nn.Linear(DIM, DIM, bias=False)
        self.w12, self.w3 = nn.Linear(DIM, 4 * DIM), nn.Linear(2 * DIM, DIM)
        width = DIM // HEADS
        angles = torch.arange(16.0)[:, None] / 10 ** (torch.arange(0, width, 2) / width)
        angles = torch.cat([angles, angles], -1)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.head = nn.Linear(DIM, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(-1, -2)
        b, n, c = x.shape
        qkv = self.qkv(self.norm1(x)).view(b, n, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)
        q, k = (each * self.cos + rotated_half(each) * self.sin for each in (qkv[0], qkv[1]))
        y = functional.scaled_dot_product_attention(q, k, qkv[2], is_causal=True)
        x = x + self.proj(y.transpose(1, 2).flatten(2))
        x1, x2 = self.w12(self.norm2(x)).split(2 * DIM, dim=-1)
        x = x + self.w3(functional.silu(x1) * x2)
        return self.head(self.norm(x)[:, -1])
