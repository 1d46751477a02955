"""Names for people who don't exist."""

from typing import Final

_GIVEN: Final = """
Ada Amara Anton Bella Boris Carmen Cedric Chloe Dana Darius Elena Elliot Esme Felix Flora Gareth Gemma Hana Hugo Imani
Ingrid Ivan Jade Jonas Joy Kai Karim Keira Lars Leila Liam Luz Mabel Marcus Maya Milo Nadia Niko Nora Olive Oscar Pablo
Petra Priya Quinn Rosa Rufus Ruth Samir Selma Simon Stella Tariq Tess Theo Uma Victor Vera Wendy Xavier Yara Zane Zoe
"""
_FAMILY: Final = """
Abbott Alvarez Barlow Beck Castillo Conway Dalton Diaz Ellery Fenwick Flores Garland Grant Hale Hartley Ibarra Irwin
Jarvis Kendall Kovacs Lambert Larsen Marlow Mercer Nakamura Novak Okafor Ortega Palmer Pereira Quigley Ramsey Reyes
Sandoval Sharma Tanner Torres Underhill Vance Vargas Wallace Whitaker Yates Young Zeller
"""
_CHINESE_GIVEN: Final = """
伟 芳 娜 敏 静 丽 强 磊 洋 艳 勇 军 杰 娟 涛 明 超 秀英 晓明 雨桐
子涵 欣怡 浩然 思远 佳琪 文博 嘉怡 建国 志强 美玲
"""

GIVEN: Final = tuple(_GIVEN.split())
FAMILY: Final = tuple(_FAMILY.split())
CHINESE_FAMILY: Final = tuple("王李张刘陈杨黄赵周吴徐孙马朱胡林郭何高罗")
CHINESE_GIVEN: Final = tuple(_CHINESE_GIVEN.split())
