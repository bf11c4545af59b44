"""Which questions lean on the turns before them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.question import needs_context

LEANING = """
And on ImageNet? / and the error? / What about the second one? / How many parameters does it have?
Why? / Why not? / How many? / What is the accuracy? / Which datasets? / How about CIFAR-100?
On which dataset? / What accuracy on CIFAR-10? / Does it also work on videos?
What are their limitations? / How large is the model? / Who are the authors?
Is that better than the baseline? / What did they find? / And how low? / How much faster is it?
ImageNet? / compared with ResNet? / Tell me more / Which one is faster? / and for Chinese?
What does this paper propose? / How was it trained? / What is the former's accuracy? / in percent?
Which optimizer did the authors use? / And the second?
那它的参数量呢? / 它在ImageNet上呢？ / 第二个呢？ / 那准确率呢？ / 为什么？ / 还有呢？ / 有多少参数？ / 用了哪些数据集？ / 这个方法快多少？ / 该模型有多大？
误差是多少？ / 那CIFAR-10呢？ / 它们的区别是什么？ / 前者的精度是多少？ / 那么在视频上呢 / 作者用了什么数据？ / 其延迟降低了多少？ / 它用什么数据训练的？ / 结果怎么样？
另一个模型呢？ / 上述方法有什么局限性？ / 和ResNet相比呢？ / 第一篇论文讲了什么？ / 这篇论文的代码在哪里？ / 具体提高了多少？ / 那噪声呢？
How many hives? / and its accuracy on IceBench? / Who annotated them? / And in the second stage? / 在128K上呢？
"""
WHOLE = """
What FID does the 900M Muse model reach on CC3M? / How many parameters does Muse have?
How does LoRA reduce memory? / Which datasets does EventDrift use?
What is knowledge distillation and how does it work?
Does quantization hurt accuracy of vision transformers? / Which papers study backdoor attacks?
How does the spiking neural network with associative plasticity let synapses interact?
By how much does TinyMIM-Base beat the MAE baseline in semantic segmentation?
Who wrote the novel Dream of the Red Chamber? / What do otters eat in winter?
How does dropout prevent overfitting? / What causes catastrophic forgetting?
How many honey bees were counted at the hives? / What learning rate was used to train RevCol-H?
Explain how contrastive learning separates classes
Muse有多少参数？ / HAQ框架把延迟和能耗降低了多少？ / 事件逆转和EventDrift在哪些数据集上做了实验？ / 什么是知识蒸馏？ / 扩散模型如何预测城市风场？
雪深预测的误差是多少？ / SnowNet在高原数据上的误差是多少？ / 脉冲神经网络为什么节能？ / 蜜蜂觅食受噪声影响吗？ / 谁写了《红楼梦》？ / LeafNet有多少参数,它的准确率是多少？
哪些论文研究后门攻击？ / 知识蒸馏为什么能提高学生网络的精度？ / 对比学习怎么区分类别？
Explain contrastive learning / What is LoRA? / How many hives are there? / Thanks. What does TinyMIM distil?
"""


def _questions(table: str) -> list[str]:
    return [question for line in table.strip().splitlines() for question in line.split(" / ")]


@pytest.mark.parametrize("question", _questions(LEANING))
def test_a_follow_up_needs_what_was_said(question: str) -> None:
    assert needs_context(question)


@pytest.mark.parametrize("question", _questions(WHOLE))
def test_a_full_question_is_left_alone(question: str) -> None:
    assert not needs_context(question)


@given(st.text(max_size=400))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    needs_context(text)
