"""What the demo's study tells its residents, in three languages."""

TITLE = "济南市居民满意度调查（模拟）"
SPONSOR = "济南市居民满意度调查组（模拟）"
PURPOSE = "看看哪些事该先办，办了以后有没有变好"
PHONE = "0531-12345（模拟号码）"
POPULATION = "槐荫区、天桥区家庭户中年满 18 岁的常住居民"
FORM_NUMBER, APPROVAL_NUMBER, APPROVING_BODY = "模民调 1 表", "模统制〔2026〕1 号", "济南市统计局（模拟）"

CONSENT = {
    "zh-hans": {
        "lead": "您家的门牌是随机抽中的。每个街道只抽几百户，您的一份回答，也替没抽到的邻居说了话。",
        "who": "济南市居民满意度调查组（模拟）",
        "why": "看看哪些事该先办，办了以后有没有变好。",
        "kept": "不问姓名、不问证件号。只公布汇总数字，街道和社区看不到您个人的回答。",
        "how_long": "住址和联系方式在调查结束六个月后销毁，回答去掉住址后留存。",
        "voluntary": "可以不参加，也可以跳过任何一题，中途可以停。",
        "rights": "随时可以查看、更正或删除您的回答：用这部手机打开同一封信，或拨信上的电话。",
        "full": (
            "本次调查由济南市居民满意度调查组（模拟）组织，民意平台受托处理数据。"
            "我们收集：您对城市生活的看法，您的性别、年龄、受教育程度、户口登记地；"
            "答题用时；在微信中打开时，微信给出的一串识别码（加密保存，只用来防止重复作答）。"
            "我们不收集姓名、证件号、手机号和位置。数据存放在国内服务器，加密保存，"
            "只有调查组成员能看到单份回答，公布的都是汇总数字。"
            "联系方式在调查结束六个月后销毁。您可以要求查阅、更正、删除，我们在十五个工作日内办完。"
        ),
    },
    "zh-hant": {
        "lead": "您家的門牌是隨機抽中的。每個街道只抽幾百戶，您的一份回答，也替沒抽到的鄰居說了話。",
        "who": "濟南市居民滿意度調查組（模擬）",
        "why": "看看哪些事該先辦，辦了以後有沒有變好。",
        "kept": "不問姓名、不問證件號。只公布匯總數字，街道和社區看不到您個人的回答。",
        "how_long": "住址和聯繫方式在調查結束六個月後銷毀，回答去掉住址後留存。",
        "voluntary": "可以不參加，也可以跳過任何一題，中途可以停。",
        "rights": "隨時可以查看、更正或刪除您的回答：用這部手機打開同一封信，或撥信上的電話。",
        "full": (
            "本次調查由濟南市居民滿意度調查組（模擬）組織，民意平台受託處理資料。"
            "我們收集：您對城市生活的看法，您的性別、年齡、受教育程度、戶口登記地；"
            "答題用時；在微信中打開時，微信給出的一串識別碼（加密保存，只用來防止重複作答）。"
            "我們不收集姓名、證件號、手機號和位置。資料存放在國內伺服器，加密保存，"
            "只有調查組成員能看到單份回答，公布的都是匯總數字。"
            "聯繫方式在調查結束六個月後銷毀。您可以要求查閱、更正、刪除，我們在十五個工作日內辦完。"
        ),
    },
    "en": {
        "lead": "Your home was chosen at random. Only a few hundred homes in each street are asked, so your "
        "answers also speak for neighbours who were not chosen.",
        "who": "The Jinan resident satisfaction survey team (simulated)",
        "why": "To see what should be done first, and whether what was done has helped.",
        "kept": "No names, no identity numbers. Only totals are published; the street and the community never "
        "see your own answers.",
        "how_long": "Addresses are destroyed six months after the survey ends; answers are kept without them.",
        "voluntary": "You need not take part, may skip any question, and may stop at any time.",
        "rights": "You may see, correct or delete your answers: open the same letter on this phone, or call "
        "the number in the letter.",
        "full": (
            "This survey is run by the Jinan resident satisfaction survey team (simulated); Minyi processes the "
            "data on its behalf. We collect your views on life in the city, your sex, age, education and place "
            "of household registration; how long answering took; and, inside WeChat, an identifier that WeChat "
            "gives us (kept encrypted, used only so that nobody is counted twice). We collect no names, identity "
            "numbers, phone numbers or locations. Data are kept encrypted on servers in China. Only members of "
            "the survey team can see single answers; only totals are published. Contact data are destroyed six "
            "months after the survey ends. You may ask to see, correct or delete your data; we will have done so "
            "within fifteen working days."
        ),
    },
}
