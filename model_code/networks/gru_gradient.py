"""The loop of a GRU over the steps for TensorFlow, with a gradient written out: faster than the one derived for it."""

from __future__ import annotations

import tensorflow as tf


def loop(
    projected: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, start: tf.Tensor, present: tf.Tensor | None
) -> tf.Tensor:
    """All states of a GRU (Cho et al. 2014, arXiv 1406.1078; the reset gate behind the product, as in cuDNN).

        a = h W + b,  z = σ(x_z + a_z),  r = σ(x_r + a_r),  c = tanh(x_c + r a_c),  h' = c + z (h - c)

    Args:
        projected: the inputs' part x of the gates z, r and c, [L, N, 3 units].
        kernel: W, [units, 3 units].
        bias: b, [3 units].
        start: the state before the first step, [N, units].
        present: 1 where a sequence has a step, 0 where its state stays, [L, N, 1]; None where all have all.

    Returns:
        [L, N, units].
    """

    @tf.custom_gradient
    def with_gradient(projected, kernel, bias, start):
        states, gates = forward(projected, kernel, bias, start, present)
        before = tf.concat([start[None], states[:-1]], 0)
        return states, lambda upstream: backward(upstream, gates, before, kernel, present)

    return with_gradient(projected, kernel, bias, start)


def forward(
    projected: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, start: tf.Tensor, present: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor]:
    """All states [L, N, units], and what their gradient needs: z, r, c and a_c of each step, [L, N, 4 units]."""
    units, length = kernel.shape[0], tf.shape(projected)[0]

    def step(number, state, states, gates):
        inputs, recurrent = projected[number], tf.matmul(state, kernel) + bias
        update_and_reset = tf.sigmoid(inputs[:, : 2 * units] + recurrent[:, : 2 * units])
        update, reset = update_and_reset[:, :units], update_and_reset[:, units:]
        candidate = tf.tanh(inputs[:, 2 * units :] + reset * recurrent[:, 2 * units :])
        new = candidate + update * (state - candidate)
        if present is not None:
            new = state + present[number] * (new - state)
        kept = tf.concat([update_and_reset, candidate, recurrent[:, 2 * units :]], 1)
        return number + 1, new, states.write(number, new), gates.write(number, kept)

    lists = [tf.TensorArray(start.dtype, length, element_shape=[start.shape[0], n * units]) for n in (1, 4)]
    _, _, states, gates = tf.while_loop(
        lambda number, *_: number < length, step, (0, start, *lists), maximum_iterations=length
    )
    return states.stack(), gates.stack()


def backward(
    upstream: tf.Tensor, gates: tf.Tensor, before: tf.Tensor, kernel: tf.Tensor, present: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradients of `loop`'s first four arguments: backpropagation through time, from the last step to the first.

    Args:
        upstream: the gradient of all states, [L, N, units].
        gates: of `forward`.
        before: the state before each step, [L, N, units].
        kernel: of `loop`.
        present: of `loop`.
    """
    units, length = kernel.shape[0], tf.shape(gates)[0]
    transposed = tf.transpose(kernel)

    def step(number, later, gradients):
        update, reset, candidate, recurrent = tf.split(gates[number], 4, axis=1)
        state, total = before[number], later + upstream[number]
        new = total if present is None else total * present[number]
        of_candidate = new * (1 - update) * (1 - candidate * candidate)
        of_update = new * (state - candidate) * update * (1 - update)
        of_reset = of_candidate * recurrent * reset * (1 - reset)
        of_gates = tf.concat([of_update, of_reset, of_candidate * reset, of_candidate], 1)
        earlier = (total - new) + new * update + tf.matmul(of_gates[:, : 3 * units], transposed)
        return number - 1, earlier, gradients.write(number, of_gates)

    of_gates = tf.TensorArray(gates.dtype, length, element_shape=[gates.shape[1], 4 * units])
    _, of_start, of_gates = tf.while_loop(
        lambda number, *_: number >= 0,
        step,
        (length - 1, tf.zeros_like(before[0]), of_gates),
        maximum_iterations=length,
    )
    of_gates = of_gates.stack()
    of_recurrent = tf.reshape(of_gates[..., : 3 * units], [-1, 3 * units])
    of_kernel = tf.matmul(tf.reshape(before, [-1, units]), of_recurrent, transpose_a=True)
    of_projected = tf.concat([of_gates[..., : 2 * units], of_gates[..., 3 * units :]], 2)
    return of_projected, of_kernel, tf.reduce_sum(of_recurrent, 0), of_start
