"""Write torch_network.json: a small network of PyTorch, its gradients, and three steps.

``python tests/data/make_torch_network.py`` needs PyTorch (2.13.0 made the stored file, on a CPU).
"""

import json
from pathlib import Path

import torch
from torch import nn

STEPS = 3
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05),
}


def network():
    """Return the network, in double precision, with gammas and betas that are not trivial."""
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(),
        nn.Linear(8, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 3),
    ).double()  # fmt: skip
    with torch.no_grad():
        for i in (1, 4):
            layers[i].weight.uniform_(0.5, 1.5)
            layers[i].bias.uniform_(-0.5, 0.5)
    return layers


def parameters(layers, of=lambda p: p):
    """Return weights (as n_in x n_out) and biases, or gammas and betas, of every layer."""
    found = []
    for layer in layers:
        for p in layer.parameters():
            value = of(p).detach()
            found.append((value.T if value.ndim == 2 else value).tolist())
    return found


def main():
    """Write the file beside this one."""
    layers = network()
    X = torch.randn(12, 5, dtype=torch.float64)
    y = torch.arange(12) % 3
    initial = {name: value.clone() for name, value in layers.state_dict().items()}
    scores = layers(X)
    loss = nn.functional.cross_entropy(scores, y)
    loss.backward()
    stored = {
        "X": X.tolist(), "y": y.tolist(), "initial": parameters(layers),
        "scores": scores.tolist(), "loss": loss.item(),
        "gradients": parameters(layers, lambda p: p.grad), "after": {},
    }  # fmt: skip
    for name, make in OPTIMIZERS.items():
        layers.load_state_dict(initial)
        optimizer = make(layers.parameters())
        for _ in range(STEPS):
            optimizer.zero_grad()
            nn.functional.cross_entropy(layers(X), y).backward()
            optimizer.step()
        stored["after"][name] = parameters(layers)
    Path(__file__).with_name("torch_network.json").write_text(json.dumps(stored) + "\n")


if __name__ == "__main__":
    main()
